using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>What became of the code that ends what an enforcer's tool has handed out already: sessions, keys. docs/formats.md, "Acknowledgement".</summary>
/// <param name="Stop">The entry of the stop or cut.</param>
/// <param name="Done">How many revokers have ended all that was handed out under it.</param>
/// <param name="Failed">How many have not.</param>
public sealed record RevokerOutcome(LeafIndex Stop, uint Done, uint Failed)
{
    /// <summary>In one acknowledgement.</summary>
    public const int CountMax = 16;

    private const int MembersCount = 3;

    internal string ToJson() => $"{{\"done\":{Done},\"failed\":{Failed},\"stop\":{Stop}}}";

    internal static bool TryReadAll(JsonElement claim, [NotNullWhen(true)] out RevokerOutcome[]? outcomes)
    {
        outcomes = null;
        if (claim.ValueKind != JsonValueKind.Array || claim.GetArrayLength() is 0 or > CountMax)
            return false;
        var read = new List<RevokerOutcome>();
        foreach (var item in claim.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object || item.GetPropertyCount() != MembersCount || !item.TryGetInteger("stop"u8, Jcs.IntegerMax, out var stop)
                || !item.TryGetInteger("done"u8, uint.MaxValue, out var done) || !item.TryGetInteger("failed"u8, uint.MaxValue, out var failed)
                || (read is [.., var last] && last.Stop.Value >= (ulong)stop))
                return false;
            read.Add(new RevokerOutcome(new LeafIndex((ulong)stop), (uint)done, (uint)failed));
        }
        outcomes = [.. read];
        return true;
    }
}
