using AgentIdentity.Registry.Reading;
using Google.Protobuf;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>Cuts a trail file into messages while it is made.</summary>
internal static class TrailPieces
{
    // Few enough bytes to wait in the connection's window, many enough that messages cost nothing.
    private const int BytesMax = 64 * 1024;

    public static IEnumerable<Wire.ExportTrailResponse> Of(TrailExport export)
    {
        var piece = new byte[BytesMax];
        var filled = 0;
        foreach (var item in export.Items())
        {
            for (var at = 0; at < item.Length;)
            {
                var taken = Math.Min(item.Length - at, BytesMax - filled);
                item.AsSpan(at, taken).CopyTo(piece.AsSpan(filled));
                (at, filled) = (at + taken, filled + taken);
                if (filled < BytesMax)
                    continue;
                yield return Message(piece);
                (piece, filled) = (new byte[BytesMax], 0);
            }
        }
        yield return Message(piece[..filled]);

        Wire.ExportTrailResponse Message(byte[] bytes) => new()
        {
            Piece = UnsafeByteOperations.UnsafeWrap(bytes),
            Entries = export.Entries,
            EntriesSent = export.EntriesMade,
        };
    }
}
