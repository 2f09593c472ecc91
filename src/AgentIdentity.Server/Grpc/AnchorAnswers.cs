using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Server.Chain;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>What anchoring has come to, on the wire.</summary>
internal static class AnchorAnswers
{
    public static Wire.GetAnchorStatusResponse Of(ChainAnchoring anchoring)
    {
        var status = anchoring.Status;
        return new Wire.GetAnchorStatusResponse
        {
            State = State(status.State),
            Reason = status.Reason ?? "",
            Healthy = status.IsHealthy,
            ChainId = anchoring.Settings.ChainId,
            Contract = anchoring.Settings.Contract.ToString(),
            Account = anchoring.Account.ToString(),
            AnchoredEntries = status.Anchored.Value,
            LastMined = Anchor(status.LastMined),
            LastFinal = Anchor(status.LastFinal),
            InFlight = status.InFlight?.ToString() ?? "",
            Attempts = (ulong)status.AttemptCount,
            FinalityOverdue = status.IsFinalityOverdue,
        };
    }

    private static Wire.Anchor? Anchor(AnchoredCheckpoint? anchor) => anchor is null ? null : new Wire.Anchor
    {
        Entries = anchor.Size.Value,
        Root = ToWire.Bytes(anchor.Root.ToArray()),
        Transaction = anchor.Transaction.ToString(),
        Block = anchor.BlockNumber,
        BlockHash = anchor.BlockHash.ToString(),
        EventIndex = anchor.EventIndex,
    };

    private static Wire.AnchorState State(AnchorState state) => state switch
    {
        AnchorState.Idle => Wire.AnchorState.AnchorIdle,
        AnchorState.Broadcast => Wire.AnchorState.AnchorBroadcast,
        AnchorState.Mined => Wire.AnchorState.AnchorMined,
        AnchorState.Final => Wire.AnchorState.AnchorFinal,
        AnchorState.HeldByFeeCap => Wire.AnchorState.AnchorHeldByFeeCap,
        AnchorState.NoFunds => Wire.AnchorState.AnchorNoFunds,
        AnchorState.RpcDown => Wire.AnchorState.AnchorRpcDown,
        AnchorState.NeedsOperator => Wire.AnchorState.AnchorNeedsOperator,
        _ => throw new InvalidOperationException($"{state} has no name on the wire."),
    };
}
