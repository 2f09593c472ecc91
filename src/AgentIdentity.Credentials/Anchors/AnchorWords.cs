using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Anchors;

/// <summary>What the nodes of a chain came to about an anchor: who asked them hands it to the verdict.</summary>
/// <param name="Result">Passed when all that were asked say that it is there and final.</param>
/// <param name="Words">Who was asked, and what each said.</param>
public sealed record ChainAnswer(TrailResult Result, string Words)
{
    /// <summary>What nobody has looked at while no node was asked.</summary>
    public const string NotAsked = "that the chain has the anchor: --rpc URL asks a node of your choice, and given twice asks two that must agree";

    // No answer makes good what does not agree with the checkpoint.
    internal Finding<TProperty> After<TProperty>(Finding<TProperty> offline)
        where TProperty : struct, Enum => offline.Result == TrailResult.Failed ? offline : offline with { Result = Result, Words = Words, Problems = Result == TrailResult.Failed ? [Words] : [] };
}

/// <summary>The anchor of a file, checked and put into words, the same for trails and certificates.</summary>
internal static class AnchorWords
{
    /// <summary>What the file shows, when it agrees with the checkpoint.</summary>
    public static AnchorNote? Check(ShownAnchor? shown, Checkpoint checkpoint, NoteVerifierKey logKey, Action<string> refuse)
    {
        if (shown is null)
            return null;
        var anchor = shown.Check(checkpoint, logKey, out var problem);
        if (anchor is null)
            refuse(problem);
        return anchor;
    }

    public static string Agrees(AnchorNote? anchor, Checkpoint checkpoint) => anchor is null
        ? "none is shown"
        : $"anchored, not asked of the chain: the first {anchor.Size} of {checkpoint.Size} entries, {Where(anchor)}, as the log key says";

    public static IEnumerable<string> RestsOn(AnchorNote? anchor) => anchor is null
        ? []
        : [$"that the anchor binds: everybody who looks at chain {anchor.ChainId} looks at the contract {anchor.Contract}. A second contract could hold a second history: hold the address against the one that the registry tells others"];

    private static string Where(AnchorNote anchor) => $"in block {anchor.Block} of chain {anchor.ChainId} by the contract {anchor.Contract}";
}
