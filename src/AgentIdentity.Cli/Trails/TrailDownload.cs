using AgentIdentity.Cli.Home;
using AgentIdentity.Client;
using AgentIdentity.Protocol.V1;
using Grpc.Core;

namespace AgentIdentity.Cli.Trails;

/// <summary>A trail file that was written.</summary>
internal sealed record WrittenTrail(string File, long Bytes, ulong Entries);

/// <summary>Fetches a trail file. It gets its name when it is whole; it holds private entries, and is for its owner alone.</summary>
internal static class TrailDownload
{
    public static async Task<WrittenTrail> WriteAsync(RegistryConnection connection, ExportTrailRequest request, string file, Action<int> report, CancellationToken cancellationToken)
    {
        var (bytes, entries) = (0L, 0UL);
        var path = Path.GetFullPath(file);
        await PrivateFiles.ReplaceAsync(path, async stream =>
        {
            using var call = connection.Ledger.ExportTrail(request, cancellationToken: cancellationToken);
            await foreach (var piece in call.ResponseStream.ReadAllAsync(cancellationToken))
            {
                await stream.WriteAsync(piece.Piece.Memory, cancellationToken);
                (bytes, entries) = (bytes + piece.Piece.Length, piece.Entries);
                report((int)piece.EntriesSent);
            }
        });
        return new WrittenTrail(path, bytes, entries);
    }
}
