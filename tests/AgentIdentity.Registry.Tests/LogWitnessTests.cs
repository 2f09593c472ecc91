using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Witnessing;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>A witness cosigns one history of each log, whatever it is asked at once and whatever becomes of it between.</summary>
public sealed class LogWitnessTests : IDisposable
{
    private const string Origin = "other.example/log";

    private readonly string _folder = TestNode.NewFolder();
    private readonly ManualClock _clock = new();
    private readonly Ed25519PrivateKey _logPrivateKey = Ed25519PrivateKey.Generate();
    private readonly Ed25519PrivateKey _witnessPrivateKey = Ed25519PrivateKey.Generate();
    private readonly NoteSignerKey _logKey;
    private readonly CosignerKey _witnessKey;
    private FaultyStore _store;

    public LogWitnessTests()
    {
        _logKey = new NoteSignerKey(Origin, _logPrivateKey);
        _witnessKey = new CosignerKey("witness.example", _witnessPrivateKey);
        _store = new FaultyStore(SqliteLedgerStore.Open(_folder));
    }

    public void Dispose()
    {
        _store.Dispose();
        _logPrivateKey.Dispose();
        _witnessPrivateKey.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void What_goes_on_from_the_last_is_cosigned_and_shown_with_both_signatures()
    {
        var (witness, tree) = (Witness(), new GrownTree(0));
        Assert.Null(witness.LastOf(Sha256Hex(Origin)));

        foreach (var (old, size) in ((ulong, ulong)[])[(0, 1), (1, 5), (5, 5), (5, 300)])
        {
            var request = Request(tree, old, size);
            var answer = witness.Add(request.ToArray());
            Assert.Equal((WitnessRefusal.None, size), (answer.Refusal, answer.Last.Value));
            Assert.True(_witnessKey.Verifier.Verify(request.Note.Text.Span, answer.Cosignature!));
            Assert.True(SignedNote.TryParse(witness.LastOf(Sha256Hex(Origin)), out var shown, out _));
            Assert.Equal(request.Note.Text.ToArray(), shown.Text.ToArray());
            Assert.Equal(NoteRefusal.None, shown.Verify(_logKey.Verifier));
            Assert.Equal(NoteRefusal.None, shown.Verify(_witnessKey.Verifier));
        }
    }

    [Fact]
    public void Everything_else_is_refused_by_name_and_changes_nothing()
    {
        var (witness, tree, fork) = (Witness(), new GrownTree(0), new GrownTree(1));
        Assert.Equal(WitnessRefusal.None, witness.Add(Request(tree, 0, 100).ToArray()).Refusal);
        using var strangersKey = Ed25519PrivateKey.Generate();
        var good = Request(tree, 100, 150);
        var bytes = good.ToArray();

        Assert.Equal(WitnessRefusal.Malformed, Add(""));
        Assert.Equal(WitnessRefusal.Malformed, Add("old 1\n"));
        Assert.Equal(WitnessRefusal.Malformed, Add(Text(bytes).Replace("old 100", "old 0100", StringComparison.Ordinal)));
        Assert.Equal(WitnessRefusal.Malformed, Add(Text(bytes).Replace("old 100", "old 151", StringComparison.Ordinal)));
        Assert.Equal(WitnessRefusal.Malformed, Add(Text(bytes).Replace("old 100", "old -1", StringComparison.Ordinal)));
        Assert.Equal(WitnessRefusal.Malformed, Add(Text(bytes)[..^1]));
        Assert.Equal(WitnessRefusal.Malformed, witness.Add(new byte[WitnessRequest.BytesMax + 1]).Refusal);
        Assert.Equal(WitnessRefusal.UnknownLog, witness.Add(Request(tree, 100, 150, new NoteSignerKey("stranger.example/log", strangersKey)).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.NotSigned, witness.Add(Request(tree, 100, 150, new NoteSignerKey(Origin, strangersKey)).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.NotSigned, Add(Text(bytes).Replace("\n150\n", "\n151\n", StringComparison.Ordinal)));
        Assert.Equal(WitnessRefusal.OtherOldSize, witness.Add(Request(tree, 99, 150).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.OtherOldSize, witness.Add(Request(tree, 0, 50).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.Inconsistent, witness.Add(Request(fork, 100, 100).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.Inconsistent, witness.Add(Request(fork, 100, 150).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.Inconsistent, witness.Add(new WitnessRequest(new TreeSize(100), good.Path[1..], good.Note).ToArray()).Refusal);
        Assert.Equal(100ul, witness.Add(Request(tree, 7, 150).ToArray()).Last.Value);
        Assert.Equal(WitnessRefusal.None, witness.Add(bytes).Refusal);

        WitnessRefusal Add(string text) => witness.Add(System.Text.Encoding.UTF8.GetBytes(text)).Refusal;
    }

    [Fact]
    public void A_first_request_with_a_path_and_an_empty_tree_with_another_root_are_refused()
    {
        var (witness, tree) = (Witness(), new GrownTree(0));
        Assert.Equal(WitnessRefusal.Inconsistent, witness.Add(new WitnessRequest(default, [tree.Root(3)], Note(tree, 5)).ToArray()).Refusal);
        var empty = SignedNote.Sign(System.Text.Encoding.UTF8.GetBytes($"{Origin}\n0\n{tree.Root(1)}\n"), _logKey);
        Assert.Equal(WitnessRefusal.Inconsistent, witness.Add([.. "old 0\n\n"u8, .. empty.ToArray()]).Refusal);
        Assert.Equal(WitnessRefusal.None, witness.Add(new WitnessRequest(default, [], Note(tree, 0)).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.None, witness.Add(Request(tree, 0, 5).ToArray()).Refusal);
    }

    [Fact]
    public async Task Of_two_histories_that_race_one_is_cosigned()
    {
        for (var round = 0; round < 20; round++)
        {
            var witness = new LogWitness(_store, () => _witnessKey, [new NoteVerifierKey($"{Origin}/{round}", _logPrivateKey.PublicKey)], TestStanding(), _clock);
            var signer = new NoteSignerKey($"{Origin}/{round}", _logPrivateKey);
            var requests = Enumerable.Range(0, 32).Select(number => Request(new GrownTree(number % 2), 0, (ulong)(3 + (number % 5)), signer)).ToArray();
            using var start = new ManualResetEventSlim();
            var answers = requests.Select(request => Task.Run(() =>
            {
                start.Wait();
                return (Request: request, Answer: witness.Add(request.ToArray()));
            })).ToArray();
            start.Set();

            var cosigned = (await Task.WhenAll(answers)).Where(each => each.Answer.Refusal == WitnessRefusal.None).Select(each => each.Request.Checkpoint).ToArray();

            var only = Assert.Single(cosigned);
            Assert.True(Checkpoint.TryOpen(witness.LastOf(Sha256Hex(only.Origin)), signer.Verifier, out var last, out _));
            Assert.Equal(only.Root, last.Root);
        }
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public void A_witness_that_ends_between_remembering_and_answering_goes_on_from_what_is_durable(Fault fault)
    {
        var (witness, tree, fork) = (Witness(), new GrownTree(0), new GrownTree(1));
        Assert.Equal(WitnessRefusal.None, witness.Add(Request(tree, 0, 10).ToArray()).Refusal);
        _store.OnDocument = fault;
        Assert.Throws<IOException>(() => witness.Add(Request(tree, 10, 20).ToArray()));
        Assert.Equal(10ul, witness.Add(Request(fork, 9, 20).ToArray()).Last.Value);
        _store.Dispose();
        _store = new FaultyStore(SqliteLedgerStore.Open(_folder));

        var after = Witness();

        var held = fault == Fault.Lost ? 10ul : 20ul;
        Assert.Equal((WitnessRefusal.OtherOldSize, held), (after.Add(Request(fork, 0, 20).ToArray()).Refusal, after.Add(Request(fork, 0, 20).ToArray()).Last.Value));
        Assert.Equal(WitnessRefusal.Inconsistent, after.Add(Request(fork, held, 25).ToArray()).Refusal);
        Assert.Equal(WitnessRefusal.None, after.Add(Request(tree, held, 25).ToArray()).Refusal);
    }

    [Fact]
    public void With_a_full_disk_nothing_is_cosigned_and_with_room_it_is()
    {
        var (witness, tree) = (Witness(), new GrownTree(0));
        _store.OnDocument = Fault.Full;
        Assert.Throws<StoreFullException>(() => witness.Add(Request(tree, 0, 10).ToArray()));
        Assert.Null(witness.LastOf(Sha256Hex(Origin)));
        _store.OnDocument = Fault.None;
        Assert.Equal(WitnessRefusal.None, witness.Add(Request(tree, 0, 10).ToArray()).Refusal);
    }

    private LogWitness Witness() => new(_store, () => _witnessKey, [_logKey.Verifier], TestStanding(), _clock);

    private static Standing TestStanding() => new(new RegistryState());

    private WitnessRequest Request(GrownTree tree, ulong old, ulong size, NoteSignerKey? signer = null) => tree.Request(signer ?? _logKey, old, size);

    private SignedNote Note(GrownTree tree, ulong size) => tree.Note(_logKey, size);

    private static string Sha256Hex(string origin) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(origin)));

    private static string Text(byte[] bytes) => System.Text.Encoding.UTF8.GetString(bytes);
}
