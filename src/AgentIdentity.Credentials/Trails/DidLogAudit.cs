using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Trails;

/// <summary>A DID log, from wherever it was fetched, held against the entries of its subject.</summary>
/// <param name="Unlogged">Versions of the log that no entry holds: somebody has used the update keys behind the ledger's back.</param>
/// <param name="Later">Versions that entries hold and the log has not: it is older than the entries, or its end was cut off.</param>
/// <param name="Elsewhere">How many versions follow a move: they were written at the log's new place, and are held against nothing.</param>
public sealed record DidLogAudit(IReadOnlyList<string> Unlogged, IReadOnlyList<string> Later, int Elsewhere)
{
    /// <summary>Compares a resolved log with entries that were proven.</summary>
    public static DidLogAudit Of(WebvhHistory history, IEnumerable<EntryBody> entries)
    {
        // What follows a move was written at the log's new place, whose it is to vouch for it. The move itself stands in the ledger, or nobody here has made it.
        var here = history.Versions.TakeWhile(version => version.Did == history.Versions[0].Did).Count();
        var served = history.Versions.Take(here + 1).Select(version => version.VersionId).ToArray();
        var logged = entries.Select(LineOf).OfType<string>().Select(VersionId).ToArray();
        return new DidLogAudit([.. served.Except(logged, StringComparer.Ordinal)], [.. logged.Except(served, StringComparer.Ordinal)], history.Versions.Count - served.Length);
    }

    private static string? LineOf(EntryBody body) => body switch
    {
        Genesis genesis => genesis.DidLine,
        AgentEnrolled enrolled => enrolled.DidLine,
        DidVersion version => version.Line,
        _ => null,
    };

    // The registry wrote the entry; what it wrote as a line may be anything.
    private static string VersionId(string line)
    {
        try
        {
            using var read = JsonDocument.Parse(line);
            return read.RootElement.GetProperty("versionId"u8).GetString() ?? "";
        }
        catch (Exception malformed) when (malformed is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return "";
        }
    }
}
