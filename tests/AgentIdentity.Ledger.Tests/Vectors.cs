using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AgentIdentity.Ledger.Tests;

/// <summary>What tests/vectors/ledger/make.py and tests/vectors/make_formats.py have computed without anything of ours.</summary>
public sealed class Vectors
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private sealed record SubjectVector(string Label, string Sequence);

    private sealed record LeafVector(byte Class, SubjectVector[] Subjects, string Salt, string Entry, string Leaf, string LeafHash);

    private sealed record CheckpointVector(string Seed, string[] LeafHashes, string Vkey, string Note);

    private sealed record HeadVector(string Key, ulong Count, string Head, ulong Index);

    private sealed record HeadProofVector(string Key, string Proof, bool Present);

    private sealed record HeadMapVector(HeadVector[] Heads, string Root, HeadProofVector[] Proofs);

    private sealed record ReceiptVector(
        ulong Index, [property: JsonPropertyName("leaf_hash")] string LeafHash, [property: JsonPropertyName("witness_secret")] string WitnessSecret,
        [property: JsonPropertyName("witness_vkey")] string WitnessVkey, long Time, string Policy, string Receipt);

    private sealed record WitnessRequestVector([property: JsonPropertyName("old_size")] ulong OldSize, [property: JsonPropertyName("old_root")] string OldRoot, string Request);

    [Fact]
    public void A_request_to_a_witness_is_read_judged_and_written_as_another_program_has_it()
    {
        var vector = ReadFormats<WitnessRequestVector>("witness_request");
        Assert.True(WitnessRequest.TryParse(Encoding.UTF8.GetBytes(vector.Request), out var request, out _));
        Assert.True(NoteVerifierKey.TryParse(ReadFormats<CheckpointVector>("checkpoint").Vkey, out var logKey, out _));
        var last = new Checkpoint(logKey.Name, new TreeSize(vector.OldSize), Hash.Read(Hex(vector.OldRoot)));

        Assert.Equal(vector.Request, Encoding.UTF8.GetString(request.ToArray()));
        Assert.Equal(WitnessRefusal.None, WitnessRule.Judge(request, logKey, last));
        Assert.Equal(WitnessRefusal.OtherOldSize, WitnessRule.Judge(request, logKey, null));
        Assert.Equal(WitnessRefusal.Inconsistent, WitnessRule.Judge(request, logKey, new Checkpoint(logKey.Name, last.Size, MerkleHash.Empty)));
    }

    [Fact]
    public void Leaves_have_the_bytes_that_another_program_gives_them()
    {
        var vectors = Read<LeafVector>("leaves.json");
        Assert.NotEmpty(vectors);
        foreach (var vector in vectors)
        {
            var nullifiers = vector.Subjects.Select(subject => Leaf.Nullifier(Hex(subject.Label), ulong.Parse(subject.Sequence))).Order().ToArray();
            var encoded = Leaf.Encode(vector.Class, nullifiers, Hex(vector.Salt), Hex(vector.Entry));
            Assert.Equal(vector.Leaf, Convert.ToHexStringLower(encoded));
            Assert.Equal(vector.LeafHash, Convert.ToHexStringLower(MerkleHash.Leaf(encoded).ToArray()));
        }
    }

    [Fact]
    public void Checkpoints_have_the_bytes_that_another_program_gives_them()
    {
        var vectors = Read<CheckpointVector>("checkpoints.json");
        Assert.NotEmpty(vectors);
        foreach (var vector in vectors)
        {
            using var privateKey = Ed25519PrivateKey.FromSeed(Hex(vector.Seed));
            var logKey = new NoteSignerKey("localhost:5000", privateKey);
            var leafHashes = vector.LeafHashes.Select(hash => Hash.Read(Hex(hash))).ToArray();
            var checkpoint = new Checkpoint("localhost:5000", new TreeSize((ulong)leafHashes.Length), MerkleHash.Root(leafHashes));
            Assert.Equal(vector.Vkey, logKey.Verifier.ToString());
            Assert.Equal(vector.Note, Encoding.UTF8.GetString(checkpoint.Sign(logKey).ToArray()));
            Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(vector.Note), logKey.Verifier, out var opened, out _));
            Assert.Equal(checkpoint, opened);
        }
    }

    [Fact]
    public void Maps_of_heads_have_the_root_and_the_proofs_that_another_program_gives_them()
    {
        var vectors = ReadFormats<HeadMapVector[]>("heads_maps");
        Assert.NotEmpty(vectors);
        foreach (var vector in vectors)
        {
            var map = vector.Heads.Aggregate(HeadMap.Empty, (map, one) =>
                map.With(Hash.Read(Hex(one.Key)), new Head(one.Count, Hash.Read(Hex(one.Head)), new LeafIndex(one.Index))));
            Assert.Equal(vector.Root, Convert.ToHexStringLower(map.Root.ToArray()));
            foreach (var proof in vector.Proofs)
            {
                var key = Hash.Read(Hex(proof.Key));
                Assert.Equal(proof.Proof, Convert.ToHexStringLower(map.Prove(key)));
                var answer = HeadMapProof.Verify(Hex(proof.Proof), Hash.Read(Hex(vector.Root)), key, out _);
                Assert.Equal(proof.Present ? HeadMapAnswer.Present : HeadMapAnswer.Absent, answer);
            }
        }
    }

    [Fact]
    public void A_receipt_that_another_program_gives_is_accepted_by_its_policy_and_made_here_with_the_same_bytes()
    {
        var vector = ReadFormats<ReceiptVector>("receipt");
        Assert.True(TlogPolicy.TryParse(Encoding.UTF8.GetBytes(vector.Policy), out var policy, out _, out _));
        Assert.True(TlogProof.TryParse(Encoding.UTF8.GetBytes(vector.Receipt), out var receipt, out _));
        Assert.Equal(new LeafIndex(vector.Index), receipt.Index);
        Assert.Equal(vector.LeafHash, Convert.ToHexStringLower(MerkleHash.Leaf(receipt.Extra.Span).ToArray()));
        Assert.Equal(TlogProofRefusal.None, receipt.Verify(Hash.Read(Hex(vector.LeafHash)), policy, out var checkpoint, out _));
        var time = DateTimeOffset.FromUnixTimeSeconds(vector.Time);
        Assert.Equal(time, checkpoint!.Cosignatures.Single().Time);

        using var privateKey = Ed25519PrivateKey.FromSeed(Hex(vector.WitnessSecret));
        var witness = new CosignerKey("witness.example/w1", privateKey);
        Assert.Equal(vector.WitnessVkey, witness.Verifier.ToString());
        Assert.Equal(receipt.Note.Signatures[1].ToString(), witness.Sign(receipt.Checkpoint, time).ToString());
        Assert.Equal(vector.Receipt, Encoding.UTF8.GetString(new TlogProof(receipt.Index, receipt.Path, receipt.Note, receipt.Extra).ToArray()));
    }

    private static T ReadFormats<T>(string section)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "formats.json")));
        return document.RootElement.GetProperty(section).Deserialize<T>(Json)!;
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text);

    private static T[] Read<T>(string name) =>
        JsonSerializer.Deserialize<T[]>(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", name)), Json)!;
}
