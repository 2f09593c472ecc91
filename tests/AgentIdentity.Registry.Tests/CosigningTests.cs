using System.Net;
using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Witnessing;
using AgentIdentity.Tests;

namespace AgentIdentity.Registry.Tests;

/// <summary>A registry that asks witnesses: what a quorum brings, and what bad ones cannot do.</summary>
public sealed class CosigningTests
{
    [Fact]
    public async Task What_a_quorum_has_cosigned_is_shown_with_its_signatures()
    {
        using var witnesses = new ScriptedWitnesses(2);
        await using var registry = await FoundAsync(witnesses, 2);

        await registry.Node.Cosigning!.WhenWitnessedAsync(default, CancellationToken.None).WaitAsync(TestNode.Patience);

        Assert.True(registry.Node.Cosigning.HasQuorum);
        var policy = witnesses.Policy(2).With(registry.Node.Checkpoints.Verifier);
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(registry.Node.Checkpoints.Last!.Note), out var note, out _));
        Assert.True(policy.TryOpen(note, out var opened, out _));
        Assert.Equal(["w0", "w1"], opened.Cosignatures.Select(each => each.Witness.Name));
        var receipt = TestNode.Good(registry.Node.LeafProofs.ProveWitnessed(new LeafIndex(0), registry.Node.Cosigning)).ToReceipt();
        Assert.True(TlogProof.TryParse(receipt, out var proof, out _));
        Assert.Equal(TlogProofRefusal.None, proof.Verify(MerkleHash.Leaf(registry.Store.ReadLeaves(new LeafIndex(0), 1)[0]), policy, out _, out _));
    }

    [Theory]
    [InlineData(WitnessProblem.Unreachable)]
    [InlineData(WitnessProblem.BadAnswer)]
    [InlineData(WitnessProblem.UnknownLog)]
    [InlineData(WitnessProblem.NotTrusted)]
    [InlineData(WitnessProblem.WrongOldSize)]
    [InlineData(WitnessProblem.Inconsistent)]
    [InlineData(WitnessProblem.WrongKey)]
    [InlineData(WitnessProblem.BadSignature)]
    [InlineData(WitnessProblem.WrongTime)]
    public async Task A_witness_that_does_wrong_is_named_and_does_not_count_and_the_ledger_goes_on(WitnessProblem problem)
    {
        using var witnesses = new ScriptedWitnesses(2);
        witnesses.Misbehave(1, problem);
        await using var registry = await FoundAsync(witnesses, 2, startUnwitnessed: true);
        var bad = registry.Node.Cosigning!.Witnesses[1];

        await UntilAsync(() => bad.Report.Problem == problem);

        await registry.WhenSignedAsync(new LeafIndex(0));
        await UntilAsync(() => registry.Node.Cosigning.Witnesses[0].Report.Problem == WitnessProblem.None);
        Assert.False(registry.Node.Cosigning.HasQuorum);
        Assert.Null(registry.Node.Cosigning.Witnessed);
        Assert.Equal(Refusal.NotIntegrated, registry.Node.LeafProofs.ProveWitnessed(new LeafIndex(0), registry.Node.Cosigning).Refusal);
        Assert.Equal(Refusal.None, registry.Node.Standing.Everyone);
        Assert.Contains(registry.Log, line => line.Contains("w1", StringComparison.Ordinal) && line.Contains($"{problem}", StringComparison.Ordinal));

        witnesses.Misbehave(1, WitnessProblem.None);
        await registry.Node.Cosigning.WhenWitnessedAsync(default, CancellationToken.None).WaitAsync(TestNode.Patience);
    }

    [Fact]
    public async Task A_cosignature_of_an_earlier_checkpoint_does_not_count_for_a_later_one()
    {
        using var witnesses = new ScriptedWitnesses(1);
        await using var registry = await FoundAsync(witnesses, 1);
        await registry.Node.Cosigning!.WhenWitnessedAsync(default, CancellationToken.None).WaitAsync(TestNode.Patience);
        witnesses.Replay(0);

        await GrowAsync(registry);

        await UntilAsync(() => registry.Node.Cosigning.Witnesses[0].Report.Problem == WitnessProblem.BadSignature);
        Assert.False(registry.Node.Cosigning.HasQuorum);
    }

    [Fact]
    public async Task A_folder_put_back_to_an_older_state_signs_nothing_because_a_witness_has_seen_more()
    {
        using var witnesses = new ScriptedWitnesses(1);
        var (lastNight, clock) = await LiveTwoDaysAsync(witnesses);
        await using var restored = TestNode.Open(lastNight, clock, with: witnesses.Ask(1));
        var signed = restored.Node.Checkpoints.Signed;
        await restored.Node.Cosigning!.StartAsync();

        Assert.Equal(Refusal.RolledBack, restored.Node.Standing.Everyone);
        Assert.False(restored.Node.Witness.IsInService);
        Assert.Equal(signed, restored.Store.LastCheckpoint);
    }

    [Fact]
    public async Task One_that_grows_past_what_a_witness_has_seen_before_it_asks_is_found_out_all_the_same()
    {
        using var witnesses = new ScriptedWitnesses(1);
        var (lastNight, clock) = await LiveTwoDaysAsync(witnesses);
        witnesses.Misbehave(0, WitnessProblem.Unreachable);
        await using var restored = TestNode.Open(lastNight, clock, with: witnesses.Ask(1, startUnwitnessed: true));
        await restored.Node.Cosigning!.StartAsync();
        for (var i = 0; i < 3; i++)
            await GrowAsync(restored);
        Assert.Equal(Refusal.None, restored.Node.Standing.Everyone);
        witnesses.Misbehave(0, WitnessProblem.None);

        await UntilAsync(() => restored.Node.Standing.Everyone == Refusal.RolledBack);

        await UntilAsync(() => restored.Node.Cosigning.Witnesses[0].Report.Problem == WitnessProblem.SawAnotherHistory);
    }

    // 404 is what anybody can say who stands in front of a witness, and what a witness says that shows nothing.
    [Theory]
    [InlineData(WitnessProblem.Unreachable)]
    [InlineData(WitnessProblem.UnknownLog)]
    public async Task While_its_witnesses_are_silent_a_restored_registry_signs_nothing_and_records_and_stops_and_is_found_out_when_they_answer(WitnessProblem silence)
    {
        using var witnesses = new ScriptedWitnesses(1);
        var (lastNight, clock) = await LiveTwoDaysAsync(witnesses);
        witnesses.Misbehave(0, silence);
        await using var restored = TestNode.Open(lastNight, clock, with: witnesses.Ask(1));
        var signed = restored.Store.LastCheckpoint;
        await restored.Node.Cosigning!.StartAsync();
        Assert.True(restored.Node.Cosigning.IsHolding);
        var agent = await restored.EnrollAsync();
        Assert.Equal(StandingState.Frozen, TestNode.Good(await restored.StopAsync(agent)).State);
        restored.Clock.Advance(TimeSpan.FromSeconds(5));
        await restored.NewTokenAsync();
        Assert.Equal(signed, restored.Store.LastCheckpoint);

        witnesses.Misbehave(0, WitnessProblem.None);
        await restored.WhileTimePassesAsync(UntilAsync(() => restored.Node.Standing.Everyone == Refusal.RolledBack));
        Assert.Equal(signed, restored.Store.LastCheckpoint);
    }

    [Fact]
    public async Task A_registry_that_was_not_put_back_signs_as_soon_as_its_silent_witnesses_answer()
    {
        using var witnesses = new ScriptedWitnesses(2);
        await using var registry = await TestNode.FoundAsync(with: witnesses.Ask(2));
        witnesses.Misbehave(1, WitnessProblem.Unreachable);
        await registry.Node.Cosigning!.StartAsync();
        Assert.True(registry.Node.Cosigning.IsHolding);
        witnesses.Misbehave(1, WitnessProblem.None);
        await registry.WhileTimePassesAsync(registry.Node.Cosigning.WhenWitnessedAsync(default, CancellationToken.None));
        Assert.False(registry.Node.Cosigning.IsHolding);
    }

    private static async Task<TestNode> FoundAsync(ScriptedWitnesses witnesses, int threshold, bool startUnwitnessed = false)
    {
        var registry = await TestNode.FoundAsync(with: witnesses.Ask(threshold, startUnwitnessed));
        await registry.Node.Cosigning!.StartAsync();
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        return registry;
    }

    // Gives the folder as it was before the second day, which the witness has seen.
    private static async Task<(string LastNight, ManualClock Clock)> LiveTwoDaysAsync(ScriptedWitnesses witnesses)
    {
        var registry = await FoundAsync(witnesses, 1);
        await registry.DisposeAsync();
        var lastNight = TestNode.NewFolder();
        Folders.Copy(registry.Folder, lastNight);
        await using var day = TestNode.Open(registry.Folder, registry.Clock, with: witnesses.Ask(1));
        await day.Node.Cosigning!.StartAsync();
        await GrowAsync(day);
        await day.Node.Cosigning.WhenWitnessedAsync(new LeafIndex(day.Node.State.Position - 1), CancellationToken.None).WaitAsync(TestNode.Patience);
        return (lastNight, registry.Clock);
    }

    private static async Task GrowAsync(TestNode registry)
    {
        await registry.NewTokenAsync();
        await registry.WhenSignedAsync();
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(TestNode.Patience);
        while (!holds())
            await Task.Delay(20, patience.Token);
    }

    /// <summary>Witnesses of one log without a network, which do what a test tells them.</summary>
    private sealed class ScriptedWitnesses(int count) : IDisposable
    {
        private readonly ScriptedWitness[] _witnesses = [.. Enumerable.Range(0, count).Select(number => new ScriptedWitness($"w{number}"))];

        public void Misbehave(int witness, WitnessProblem problem) => _witnesses[witness].Problem = problem;

        /// <summary>From now on it answers with the last cosignature that it has made.</summary>
        public void Replay(int witness) => _witnesses[witness].IsReplaying = true;

        public Func<RegistrySettings, RegistrySettings> Ask(int threshold, bool startUnwitnessed = false) => settings => settings with { StartUnwitnessed = startUnwitnessed, WitnessPolicy = Policy(threshold), Outside = () => new Handler(this) };

        public TlogPolicy Policy(int threshold)
        {
            var lines = new StringBuilder();
            foreach (var witness in _witnesses)
                lines.Append($"witness {witness.Name} {witness.Key.Verifier} https://{witness.Name}.example/witness\n");
            lines.Append($"group all {threshold} {string.Join(' ', _witnesses.Select(witness => witness.Name))}\nquorum all\n");
            Assert.True(TlogPolicy.TryParse(Encoding.UTF8.GetBytes(lines.ToString()), out var policy, out _, out _));
            return policy;
        }

        public void Dispose()
        {
            foreach (var witness in _witnesses)
                witness.Dispose();
        }

        private sealed class Handler(ScriptedWitnesses witnesses) : HttpMessageHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
            {
                var witness = witnesses._witnesses.Single(each => request.RequestUri!.Host == each.Name + ".example");
                var body = request.Content is null ? null : await request.Content.ReadAsByteArrayAsync(cancellation);
                return witness.Answer(body);
            }
        }
    }

    private sealed class ScriptedWitness(string name) : IDisposable
    {
        private readonly Ed25519PrivateKey _privateKey = Ed25519PrivateKey.Generate();
        private readonly Ed25519PrivateKey _otherKey = Ed25519PrivateKey.Generate();
        private SignedNote? _last;
        private NoteSignature? _cosignature;

        public string Name => name;

        public CosignerKey Key => new(name + ".example", _privateKey);

        public WitnessProblem Problem { get; set; }

        public bool IsReplaying { get; set; }

        public void Dispose()
        {
            _privateKey.Dispose();
            _otherKey.Dispose();
        }

        public HttpResponseMessage Answer(byte[]? body)
        {
            if (Problem == WitnessProblem.Unreachable)
                throw new HttpRequestException("No route to host.");
            if (body is null)
                return _last is null || Problem != WitnessProblem.None ? Status(HttpStatusCode.NotFound) : Text(HttpStatusCode.OK, _last.ToArray());
            Assert.True(WitnessRequest.TryParse(body, out var request, out _));
            return Problem switch
            {
                WitnessProblem.None => Cosign(request),
                WitnessProblem.BadAnswer => Text(HttpStatusCode.OK, "well done\n"u8.ToArray()),
                WitnessProblem.UnknownLog => Status(HttpStatusCode.NotFound),
                WitnessProblem.NotTrusted => Status(HttpStatusCode.Forbidden),
                WitnessProblem.WrongOldSize => Text(HttpStatusCode.Conflict, Encoding.ASCII.GetBytes($"{request.OldSize}\n")),
                WitnessProblem.Inconsistent => Status(HttpStatusCode.UnprocessableEntity),
                WitnessProblem.WrongKey => Line(new CosignerKey(Key.Verifier.Name, _otherKey).Sign(request.Checkpoint, Now)),
                WitnessProblem.BadSignature => Line(Key.Sign(new Checkpoint(request.Checkpoint.Origin, request.Checkpoint.Size, MerkleHash.Empty), Now)),
                WitnessProblem.WrongTime => Line(Key.Sign(request.Checkpoint, Now.AddHours(-1))),
                _ => throw new ArgumentOutOfRangeException(nameof(body), Problem, "Nobody does this wrong."),
            };
        }

        private static DateTimeOffset Now => new ManualClock().GetUtcNow().AddMinutes(1);

        private HttpResponseMessage Cosign(WitnessRequest request)
        {
            if (IsReplaying)
                return Line(_cosignature!);
            var last = _last is not null && Checkpoint.TryParse(_last.Text.Span, out var read, out _) ? read : null;
            if (request.OldSize != (last?.Size ?? default))
                return Text(HttpStatusCode.Conflict, Encoding.ASCII.GetBytes($"{last!.Size}\n"));
            if (!ConsistencyProof.Verify(request.OldSize, request.Checkpoint.Size, last?.Root ?? MerkleHash.Empty, request.Checkpoint.Root, request.Path))
                return Status(HttpStatusCode.UnprocessableEntity);
            _cosignature = Key.Sign(request.Checkpoint, Now);
            _last = request.Note.With(_cosignature);
            return Line(_cosignature);
        }

        private static HttpResponseMessage Line(NoteSignature signature) => Text(HttpStatusCode.OK, Encoding.UTF8.GetBytes(signature + "\n"));

        private static HttpResponseMessage Status(HttpStatusCode status) => Text(status, []);

        private static HttpResponseMessage Text(HttpStatusCode status, byte[] body) => new(status) { Content = new ByteArrayContent(body) };
    }
}
