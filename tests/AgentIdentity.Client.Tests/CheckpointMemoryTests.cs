using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Hash = AgentIdentity.Ledger.Hash;

namespace AgentIdentity.Client.Tests;

/// <summary>What a client remembers of a log, and what a registry that was put back, rewrote or swapped its log could answer.</summary>
public sealed class CheckpointMemoryTests : IDisposable
{
    private const string Origin = "localhost:5000";

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
    private readonly Ed25519PrivateKey _key = Ed25519PrivateKey.Generate();
    private readonly Hash[] _leaves = [.. Enumerable.Range(0, 20).Select(n => MerkleHash.Leaf([(byte)n]))];

    private NoteSignerKey LogKey => new(Origin, _key);

    private CheckpointMemory Memory => new(_folder, Origin, null);

    public void Dispose()
    {
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_largest_checkpoint_is_kept_and_is_there_for_the_next_process()
    {
        Assert.Null(Memory.Read());
        Memory.Learn(null, Answer(0, 7));
        Memory.Learn(Memory.Read(), Answer(7, 12));
        Memory.Learn(Memory.Read(), Answer(12, 12));

        Assert.Equal((12UL, LogKey.Verifier), (Memory.Read()!.Checkpoint.Size.Value, Memory.Read()!.Key));
    }

    [Fact]
    public void A_smaller_one_that_came_late_does_not_replace_it()
    {
        Memory.Learn(null, Answer(0, 12));
        Memory.Learn(null, Answer(0, 7));

        Assert.Equal(12UL, Memory.Read()!.Checkpoint.Size.Value);
    }

    [Fact]
    public void A_log_that_does_not_go_on_from_what_was_seen_is_refused_whatever_it_answers_and_both_are_kept()
    {
        Memory.Learn(null, Answer(0, 12));
        var known = Memory.Read()!;
        using var stranger = Ed25519PrivateKey.Generate();
        var rewritten = _leaves.Reverse().ToArray();
        var good = Answer(12, 20);
        GetConsistencyResponse[] answers =
        [
            Answer(7, 7),
            Answer(12, 20, rewritten),
            new GetConsistencyResponse { Checkpoint = Note(20, rewritten), Path = { good.Path } },
            new GetConsistencyResponse { Checkpoint = good.Checkpoint },
            new GetConsistencyResponse { Checkpoint = good.Checkpoint, Path = { good.Path.Select(_ => ByteString.CopyFrom(1, 2, 3)) } },
            new GetConsistencyResponse { Checkpoint = Note(12, rewritten) },
            new GetConsistencyResponse { Checkpoint = Note(20, _leaves, new NoteSignerKey(Origin, stranger)), Path = { good.Path } },
            new GetConsistencyResponse { Checkpoint = Note(20, _leaves, new NoteSignerKey("localhost:5000/2", _key)), Path = { good.Path } },
            new GetConsistencyResponse { Checkpoint = "", Path = { good.Path } },
        ];
        foreach (var answer in answers)
        {
            var contradicted = Assert.Throws<CheckpointContradictedException>(() => Memory.Learn(known, answer));
            Assert.Contains(known.Note, File.ReadAllText(contradicted.EvidenceFile), StringComparison.Ordinal);
            Assert.Equal(known, Memory.Read());
        }
        Assert.Contains(Note(7, _leaves), File.ReadAllText(Path.Combine(_folder, "contradiction-localhost%3A5000")), StringComparison.Ordinal);
        Memory.Learn(known, good);
    }

    [Fact]
    public void A_registry_of_another_name_contradicts_nothing_that_is_known_and_leaves_nothing_behind()
    {
        var memory = new CheckpointMemory(_folder, "localhost:5001", null);
        Assert.Equal($"The registry there keeps the log {Origin}, and not localhost:5001.", Assert.Throws<InvalidDataException>(() => memory.Learn(null, Answer(0, 7))).Message);
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void A_pinned_key_is_the_only_one()
    {
        using var stranger = Ed25519PrivateKey.Generate();
        var memory = new CheckpointMemory(_folder, Origin, new NoteSignerKey(Origin, stranger).Verifier);

        Assert.Throws<CheckpointContradictedException>(() => memory.Learn(null, Answer(0, 7)));
    }

    [Fact]
    public void A_damaged_file_is_named_and_not_passed_over()
    {
        Memory.Learn(null, Answer(0, 7));
        var file = Path.Combine(_folder, "checkpoint-localhost%3A5000");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\n7\n", "\n3\n", StringComparison.Ordinal));

        Assert.Contains(file, Assert.Throws<InvalidDataException>(() => Memory.Read()).Message, StringComparison.Ordinal);
    }

    private GetConsistencyResponse Answer(int known, int size, Hash[]? leaves = null)
    {
        leaves ??= _leaves;
        Hash Node(int level, ulong index) => MerkleHash.Root(leaves.AsSpan((int)(index << level), 1 << level));
        var path = ConsistencyProof.Build(new TreeSize((ulong)known), new TreeSize((ulong)size), Node);
        return new GetConsistencyResponse
        {
            Checkpoint = Note(size, leaves),
            Path = { path.Select(hash => ByteString.CopyFrom(hash.ToArray())) },
            LogKey = LogKey.Verifier.ToString(),
        };
    }

    private string Note(int size, Hash[] leaves, NoteSignerKey? signer = null)
    {
        signer ??= LogKey;
        var checkpoint = new Checkpoint(signer.Verifier.Name, new TreeSize((ulong)size), MerkleHash.Root(leaves.AsSpan(0, size)));
        return Encoding.UTF8.GetString(checkpoint.Sign(signer).ToArray());
    }
}
