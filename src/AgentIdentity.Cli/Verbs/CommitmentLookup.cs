using AgentIdentity.Client;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What the registry found, up to where it searched, and whether that was all it holds.</summary>
internal sealed record LookupResult(List<(int Wanted, FoundCommitment Activity)> Found, ulong Searched, bool IsComplete);

/// <summary>Asks the registry for any number of commitments, page by page.</summary>
internal static class CommitmentLookup
{
    // As many as one call takes.
    private const int AtOnce = 100;

    public static async Task<LookupResult> RunAsync(RegistryConnection connection, Hash[] wanted, CancellationToken cancellationToken)
    {
        var result = new LookupResult([], ulong.MaxValue, IsComplete: true);
        var (first, from) = (0, 0UL);
        while (first < wanted.Length)
        {
            var request = new FindCommitmentRequest { FromIndex = from };
            request.Commitments.AddRange(wanted.Skip(first).Take(AtOnce).Select(commitment => Google.Protobuf.ByteString.CopyFrom(commitment.ToArray())));
            var page = await connection.Ledger.FindCommitmentAsync(request, cancellationToken: cancellationToken);
            result.Found.AddRange(page.Found.Select(found => (first + (int)found.Commitment, found)));
            result = result with { Searched = Math.Min(result.Searched, page.SearchedSize), IsComplete = result.IsComplete && page.SearchedSize >= page.At.Position };
            (first, from) = page.HasNextCommitment ? (first + (int)page.NextCommitment, page.NextIndex) : (first + AtOnce, 0);
        }
        return result;
    }
}
