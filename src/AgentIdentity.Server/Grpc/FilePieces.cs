using Google.Protobuf;

namespace AgentIdentity.Server.Grpc;

/// <summary>Cuts a file into pieces for messages while its items are made.</summary>
internal static class FilePieces
{
    // Few enough bytes to wait in the connection's window, many enough that messages cost nothing.
    private const int BytesMax = 64 * 1024;

    public static IEnumerable<ByteString> Of(IEnumerable<byte[]> items)
    {
        var piece = new byte[BytesMax];
        var filled = 0;
        foreach (var item in items)
        {
            for (var at = 0; at < item.Length;)
            {
                var taken = Math.Min(item.Length - at, BytesMax - filled);
                item.AsSpan(at, taken).CopyTo(piece.AsSpan(filled));
                (at, filled) = (at + taken, filled + taken);
                if (filled < BytesMax)
                    continue;
                yield return UnsafeByteOperations.UnsafeWrap(piece);
                (piece, filled) = (new byte[BytesMax], 0);
            }
        }
        yield return UnsafeByteOperations.UnsafeWrap(piece.AsMemory(0, filled));
    }
}
