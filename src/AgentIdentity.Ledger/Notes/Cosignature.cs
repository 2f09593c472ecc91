using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>
/// A witness's signature on a checkpoint (C2SP tlog-cosignature, Ed25519, v1). It states: at that time this was the largest tree of
/// this log that the witness had seen, and it grew from every smaller one.
/// </summary>
/// <remarks>
/// In the signature line: uint64 POSIX seconds ‖ 64-byte Ed25519 signature over <c>cosignature/v1</c>, <c>time &lt;seconds&gt;</c> and the
/// whole text of the checkpoint, extension lines included, each line with its line feed.
/// </remarks>
public static class Cosignature
{
    /// <summary>Bytes of a cosignature, without the key's id: 72.</summary>
    public const int Size = TimeSize + Ed25519.SignatureSize;

    private const int TimeSize = sizeof(ulong);

    private static readonly ulong SecondsMax = (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>The time in a cosignature, which means something when the signature has been verified.</summary>
    /// <returns>False if the line does not have the form of a cosignature, or its time lies beyond the year 9999.</returns>
    public static bool TryReadTime(NoteSignature signature, out DateTimeOffset time)
    {
        time = default;
        if (signature.Bytes.Length != Size || BinaryPrimitives.ReadUInt64BigEndian(signature.Bytes.Span) is var seconds && seconds > SecondsMax)
            return false;
        time = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
        return true;
    }

    internal static byte[] Sign(Ed25519PrivateKey key, ReadOnlySpan<byte> text, DateTimeOffset time)
    {
        var bytes = new byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (ulong)time.ToUnixTimeSeconds());
        key.Sign(Message(text, time), bytes.AsSpan(TimeSize));
        return bytes;
    }

    internal static bool Verify(Ed25519PublicKey key, ReadOnlySpan<byte> text, NoteSignature signature) =>
        TryReadTime(signature, out var time) && key.Verify(Message(text, time), signature.Bytes.Span[TimeSize..]);

    private static byte[] Message(ReadOnlySpan<byte> text, DateTimeOffset time)
    {
        var seconds = time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return [.. "cosignature/v1\ntime "u8, .. Encoding.ASCII.GetBytes(seconds), NoteText.LineFeed, .. text];
    }
}
