using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Notes;

public sealed class Promises(ITestOutputHelper output)
{
    private readonly JsonElement _formats = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "formats.json"))).RootElement;

    [Fact]
    public void A_promise_that_another_program_made_is_read_and_covers_the_leaf_that_it_was_made_for()
    {
        var vector = _formats.GetProperty("promise");
        Assert.True(Promise.TryOpen(Note(vector), LogKey(), out var promise));
        var (index, leafHash, path) = (new LeafIndex(vector.GetProperty("index").GetUInt64()), Read(vector.GetProperty("leaf_hash")), vector.GetProperty("path").EnumerateArray().Select(Read).ToArray());
        Assert.Equal(("localhost:5000", new LeafIndex(3), 3, vector.GetProperty("integrate_by").GetInt64()), (promise.Origin, promise.First, promise.Count, promise.IntegrateBy));
        Assert.True(promise.Covers(index, leafHash, path));
        Assert.False(promise.Covers(new LeafIndex(index.Value - 1), leafHash, path));
        Assert.False(promise.Covers(new LeafIndex(0), leafHash, path));
        Assert.False(promise.Covers(index, path[0], path));
        Assert.False(promise.Covers(index, leafHash, []));
    }

    [Fact]
    public void A_promise_is_never_read_as_a_checkpoint_nor_a_checkpoint_as_a_promise()
    {
        Assert.False(Checkpoint.TryOpen(Note(_formats.GetProperty("promise")), LogKey(), out _, out _));
        Assert.False(Promise.TryOpen(Note(_formats.GetProperty("checkpoint")), LogKey(), out _));
    }

    [Fact]
    public void A_damaged_promise_is_refused()
    {
        var good = Note(_formats.GetProperty("promise"));
        var key = LogKey();
        new Mutation(output, [good], ["\n"u8.ToArray(), "0"u8.ToArray(), "agentidentity.v1/promise\n"u8.ToArray()]).Run(bytes =>
        {
            // Another signature line may stand beside ours; the text may not differ.
            if (Promise.TryOpen(bytes, key, out var promise))
                Assert.Equal(3, promise.Count);
        });
    }

    [Fact]
    public void Only_the_key_of_the_origin_signs_a_promise()
    {
        using var key = Ed25519PrivateKey.Generate();
        var signer = new NoteSignerKey("other.example", key);
        var promise = new Promise("log.example", new LeafIndex(1), 1, default, 1);
        Assert.Throws<ArgumentException>(() => promise.Sign(signer));
        Assert.False(Promise.TryOpen(Encoding.UTF8.GetBytes((promise with { Origin = "other.example" }).Sign(signer)), LogKey(), out _));
        Assert.True(Promise.TryOpen(Encoding.UTF8.GetBytes((promise with { Origin = "other.example" }).Sign(signer)), signer.Verifier, out _));
    }

    private NoteVerifierKey LogKey() => NoteVerifierKey.TryParse(_formats.GetProperty("checkpoint").GetProperty("vkey").GetString()!, out var key, out _) ? key : throw new InvalidDataException();

    private static byte[] Note(JsonElement vector) => Encoding.UTF8.GetBytes(vector.GetProperty("note").GetString()!);

    private static Hash Read(JsonElement hex) => Hash.Read(Convert.FromHexString(hex.GetString()!));
}
