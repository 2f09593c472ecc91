using System.Net;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Mirrors;

/// <summary>A log as it is served over HTTP, by the registry or by a mirror. Nothing that comes from here is believed.</summary>
internal sealed class LogSource(string url, HttpClient http)
{
    /// <summary>The largest answer: 256 entries of the largest size.</summary>
    public const int BytesMax = Tile.WidthMax * (sizeof(ushort) + EntryBundle.EntryBytesMax);

    public async Task<byte[]> CheckpointAsync(CancellationToken cancellationToken) =>
        await FindAsync("checkpoint", cancellationToken) ?? throw Failure.Refused($"There is no checkpoint at {url}.", "A registry publishes its first one a second after its bootstrap.");

    public async Task<byte[]> TileAsync(TileId tile, int width, CancellationToken cancellationToken)
    {
        if (await FindAsync(Tile.Path(tile, width), cancellationToken) is { } bytes)
            return bytes;
        // A mirror may have the full one only.
        var full = await FindAsync(Tile.Path(tile), cancellationToken);
        return full?.Length == Tile.BytesMax ? full[..(width * Hash.Size)] : throw Missing(Tile.Path(tile, width));
    }

    public async Task<byte[]> BundleAsync(ulong index, int width, CancellationToken cancellationToken)
    {
        if (await FindAsync(Tile.EntriesPath(index, width), cancellationToken) is { } bytes)
            return bytes;
        var full = await FindAsync(Tile.EntriesPath(index), cancellationToken) ?? throw Missing(Tile.EntriesPath(index, width));
        return full[..EntryBundle.Length(full, width)];
    }

    private async Task<byte[]?> FindAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync($"{url}/{path}", cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    private Failure Missing(string path) => Failure.Refused($"{url} does not serve {path}, which its checkpoint covers.", "A log that does not serve what it has signed has broken its promise.");
}
