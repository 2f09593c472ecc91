using System.Text;
using System.Text.Json;

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

    private static T ReadFormats<T>(string section)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "formats.json")));
        return document.RootElement.GetProperty(section).Deserialize<T>(Json)!;
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text);

    private static T[] Read<T>(string name) =>
        JsonSerializer.Deserialize<T[]>(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", name)), Json)!;
}
