using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Notes;

public sealed class Cosignatures(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1679315147);

    private readonly NoteSignerKey _log = SignedNotes.Signer("localhost:5000", 1);
    private readonly CosignerKey _witness = Witness("witness.example/w1", 2);
    private readonly Checkpoint _checkpoint = new("localhost:5000", new TreeSize(7), MerkleHash.Leaf([1]));

    [Fact]
    public void A_cosignature_is_over_its_time_and_the_whole_text_of_the_checkpoint()
    {
        Assert.True(Checkpoint.TryParse([.. _checkpoint.ToText(), .. "extension\n"u8], out var checkpoint, out _));
        var signature = _witness.Sign(checkpoint, Time.AddMilliseconds(999));
        Assert.Equal(1679315147u, BinaryPrimitives.ReadUInt64BigEndian(signature.Bytes.Span));
        byte[] message = [.. "cosignature/v1\ntime 1679315147\n"u8, .. checkpoint.ToText()];
        Assert.True(_witness.Verifier.PublicKey.Verify(message, signature.Bytes.Span[8..]));
        Assert.True(_witness.Verifier.Verify(checkpoint.ToText(), signature));
        Assert.False(_witness.Verifier.Verify(_checkpoint.ToText(), signature));
        Assert.True(Cosignature.TryReadTime(signature, out var time));
        Assert.Equal(Time, time);
    }

    [Fact]
    public void The_id_of_a_witness_is_made_with_type_four()
    {
        byte[] named = [.. "witness.example/w1\n"u8, 4, .. _witness.Verifier.PublicKey.Bytes];
        Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(named)), _witness.Verifier.KeyId);
    }

    [Fact]
    public void One_wrong_bit_in_the_time_the_signature_or_the_text_fails()
    {
        var signature = _witness.Sign(_checkpoint, Time);
        for (var bit = 0; bit < Cosignature.Size * 8; bit++)
            Assert.False(_witness.Verifier.Verify(_checkpoint.ToText(), signature with { Bytes = Flip(signature.Bytes.ToArray(), bit) }));
        for (var bit = 0; bit < _checkpoint.ToText().Length * 8; bit++)
            Assert.False(_witness.Verifier.Verify(Flip(_checkpoint.ToText(), bit), signature));
    }

    [Fact]
    public void A_plain_signature_and_a_cosignature_do_not_pass_for_each_other()
    {
        using var privateKey = Ed25519PrivateKey.Generate();
        var (signer, cosigner) = (new NoteSignerKey("both", privateKey), new CosignerKey("both", privateKey));
        var text = _checkpoint.ToText();
        var plain = signer.Sign(text);
        var cosignature = cosigner.Sign(_checkpoint, Time);
        Assert.False(cosigner.Verifier.Verify(text, plain));
        Assert.False(signer.Verifier.Verify(text, cosignature));
        Assert.False(cosigner.Verifier.Verify(text, plain with { KeyId = cosigner.Verifier.KeyId }));
        Assert.False(signer.Verifier.Verify(text, cosignature with { KeyId = signer.Verifier.KeyId }));
        Assert.Equal(NoteRefusal.None, SignedNote.Sign(text, signer).With(cosignature).Verify(signer.Verifier, cosigner.Verifier));
    }

    [Fact]
    public void A_cosigned_checkpoint_is_a_note_in_which_both_keys_are_verified()
    {
        var note = _checkpoint.Sign(_log).With(_witness.Sign(_checkpoint, Time));
        Assert.True(SignedNote.TryParse(note.ToArray(), out var read, out _));
        Assert.Equal(NoteRefusal.None, read.Verify(_log.Verifier, _witness.Verifier));
        var late = note.With(_witness.Sign(_checkpoint with { Size = new TreeSize(8) }, Time));
        Assert.Equal(NoteRefusal.BadSignature, late.Verify(_log.Verifier, _witness.Verifier));
        Assert.Equal(NoteRefusal.None, late.Verify(_log.Verifier));
    }

    [Fact]
    public void A_time_before_1970_is_not_signed_and_one_after_9999_is_not_read()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _witness.Sign(_checkpoint, DateTimeOffset.UnixEpoch.AddSeconds(-1)));
        Assert.True(_witness.Verifier.Verify(_checkpoint.ToText(), _witness.Sign(_checkpoint, DateTimeOffset.UnixEpoch)));
        Assert.True(_witness.Verifier.Verify(_checkpoint.ToText(), _witness.Sign(_checkpoint, DateTimeOffset.MaxValue)));
        foreach (var seconds in new ulong[] { 253_402_300_800, long.MaxValue, ulong.MaxValue })
        {
            var bytes = new byte[Cosignature.Size];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, seconds);
            Assert.False(Cosignature.TryReadTime(new NoteSignature("w", 1, bytes), out _));
            Assert.False(_witness.Verifier.Verify(_checkpoint.ToText(), new NoteSignature(_witness.Verifier.Name, _witness.Verifier.KeyId, bytes)));
        }
    }

    [Fact]
    public void A_damaged_cosignature_does_not_verify_and_never_throws()
    {
        var line = Encoding.UTF8.GetBytes(_witness.Sign(_checkpoint, Time).ToString());
        new Mutation(output, [line], [[0], [0xff], "A"u8.ToArray(), "="u8.ToArray(), "+"u8.ToArray()]).Run(bytes =>
        {
            if (NoteSignature.TryParse(bytes, out var signature) && !bytes.AsSpan().SequenceEqual(line))
                Assert.False(_witness.Verifier.Verify(_checkpoint.ToText(), signature));
        });
    }

    internal static CosignerKey Witness(string name, int seed)
    {
        var bytes = new byte[Ed25519.SeedSize];
        BitConverter.TryWriteBytes(bytes, seed);
        return new CosignerKey(name, Ed25519PrivateKey.FromSeed(bytes));
    }

    private static byte[] Flip(byte[] bytes, int bit)
    {
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        return bytes;
    }
}
