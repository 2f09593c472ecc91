using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Entries;

public sealed class ErasedStubTests
{
    private static readonly byte[] Bytes = Vectors.Section("erased_stub").Hex("stub");

    [Fact]
    public void The_stub_made_by_hand_has_the_bytes_and_the_hash_of_the_vectors()
    {
        var at = Vectors.Section("times").GetProperty("at").GetInt64();
        var statement = Vectors.Section("statements")[0];
        var stub = new ErasedStub(
            Vectors.AgentId, 2, Vectors.Key("agent").PublicKey.KeyId, 0, statement.Hash("identity"), default, at + 5, IsQuarantined: false, new LeafIndex(12), at + 12);
        Assert.Equal(Bytes, stub.Encode());
        Assert.Equal(Vectors.Section("erased_stub").Hash("hash"), stub.Hash());
        Assert.True(ErasedStub.TryDecode(Bytes, out var read));
        Assert.Equal(stub, read);
    }

    [Fact]
    public void The_erasure_of_the_vectors_names_the_stub_and_no_other()
    {
        Assert.True(Entry.TryDecode(Vectors.Section("entries")[12].Hex("entry"), out var entry));
        var erased = Assert.IsType<ActivitiesErased>(entry.Body);
        Assert.True(ErasedStub.TryDecode(Bytes, out var stub));
        Assert.True(erased.Names(new LeafIndex(5), stub));
        Assert.False(erased.Names(new LeafIndex(4), stub));
        Assert.False(erased.Names(new LeafIndex(5), stub with { At = stub.At + 1 }));
    }

    [Fact]
    public void A_stub_with_any_bit_changed_is_another_stub_or_none()
    {
        Assert.True(ErasedStub.TryDecode(Bytes, out var genuine));
        for (var bit = 0; bit < Bytes.Length * 8; bit++)
        {
            var changed = Bytes.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(ErasedStub.TryDecode(changed, out var read) && read == genuine);
        }
        Assert.False(ErasedStub.TryDecode(Bytes.AsMemory(..^1), out _));
        Assert.False(ErasedStub.TryDecode((byte[])[.. Bytes, 0], out _));
        Assert.False(Entry.TryDecode(Bytes, out _));
    }
}
