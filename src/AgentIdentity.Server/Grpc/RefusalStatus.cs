using AgentIdentity.Credentials;
using Google.Rpc;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>The one place where a refusal becomes a gRPC status.</summary>
internal static class RefusalStatus
{
    public const string Domain = "agentidentity.v1";
    public const string DetailsName = "grpc-status-details-bin";
    public const string NonceName = "dpop-nonce";

    public static StatusCode Code(Refusal refusal) => refusal switch
    {
        Refusal.MessageMalformed or Refusal.DeadlineMissing or Refusal.EnvelopeMalformed or Refusal.AudienceMalformed or Refusal.LifetimeOutOfRange
            or Refusal.LabelsMalformed or Refusal.NameMalformed or Refusal.KeyUnsupported or Refusal.StatementMalformed or Refusal.WrongOrigin
            or Refusal.StopStateUnsupported or Refusal.ReasonMissing or Refusal.NeedsTwoOperators or Refusal.ApprovalInvalid
            or Refusal.ApprovalMismatch or Refusal.NotErasable or Refusal.CheckpointNotOurs or Refusal.StatusListInvalid or Refusal.ScopeMalformed or Refusal.DelegationCycle
            or Refusal.BudgetMalformed or Refusal.AcknowledgementInvalid or Refusal.EvidencePolicyMalformed or Refusal.EvidenceMalformed or Refusal.DidLineInvalid => StatusCode.InvalidArgument,

        Refusal.CallerUnknown or Refusal.UseDpopNonce or Refusal.CredentialInvalid or Refusal.CredentialUnlogged or Refusal.CredentialNotYetValid
            or Refusal.CredentialExpired or Refusal.ProofMissing or Refusal.ProofInvalid or Refusal.ProofKeyMismatch or Refusal.ProofRequestMismatch
            or Refusal.ProofStale or Refusal.NonceMismatch or Refusal.ProofReplayed or Refusal.BodyMismatch or Refusal.TokenInvalid
            or Refusal.TokenExpired or Refusal.ChallengeInvalid or Refusal.SignatureInvalid or Refusal.BootstrapInvalid
            or Refusal.OrderInvalid or Refusal.EvidenceMissing or Refusal.EvidenceIssuerUnknown or Refusal.EvidenceSignatureInvalid or Refusal.EvidenceExpired
            or Refusal.EvidenceNotYetValid or Refusal.EvidenceAudienceMismatch or Refusal.EvidenceUnbound or Refusal.EvidenceUsed or Refusal.CertificateMismatch => StatusCode.Unauthenticated,

        Refusal.NotPermitted or Refusal.AudienceMismatch or Refusal.AgentFrozen or Refusal.AgentRevoked or Refusal.EnvelopeTooWide
            or Refusal.EnvelopeExceeded or Refusal.AudienceNotAllowed or Refusal.WrongKey
            or Refusal.ApproverUnknown or Refusal.AgentRestricted or Refusal.CredentialStopped or Refusal.KeyStopped or Refusal.ChainStopped
            or Refusal.AudienceStopped or Refusal.ResourceStopped or Refusal.IssuerKeyStopped or Refusal.AfterCut or Refusal.ScopeStopped
            or Refusal.DelegationTooDeep or Refusal.DelegateStopped or Refusal.BudgetTooWide or Refusal.BudgetExceeded or Refusal.NoBudget
            or Refusal.EvidenceNotAllowed or Refusal.ChallengeReflected or Refusal.PeerMismatch or Refusal.ChannelMismatch or Refusal.PurposeMismatch or Refusal.PeerStopped
            or Refusal.EvidenceChanged or Refusal.VouchNotAllowed or Refusal.KeyRotated => StatusCode.PermissionDenied,

        Refusal.WatchReplaced => StatusCode.Aborted,

        Refusal.AgentUnknown or Refusal.EntryUnknown or Refusal.HoldUnknown or Refusal.StopUnknown or Refusal.ScidMismatch => StatusCode.NotFound,

        Refusal.NameTaken or Refusal.KeyAlreadyEnrolled or Refusal.KeyAlreadyRegistered or Refusal.SequenceFork or Refusal.AlreadyDefined => StatusCode.AlreadyExists,

        Refusal.TokenUsedUp or Refusal.LoopbackUrl or Refusal.SequenceGap or Refusal.LevelNotConfigured or Refusal.AlreadyRevoked
            or Refusal.NotBootstrapped or Refusal.BootstrapClosed or Refusal.ApprovalStale or Refusal.ApprovalUsed or Refusal.AlreadyErased
            or Refusal.AgentHeld or Refusal.RolledBack or Refusal.StatusListEnded or Refusal.StatusListNotYetValid or Refusal.NewerStop or Refusal.NotRestorable or Refusal.ForceNeeded
            or Refusal.DelegationNotRenewable or Refusal.EvidenceDue or Refusal.DidUnchanged or Refusal.DidHeld or Refusal.DidNotHeld => StatusCode.FailedPrecondition,

        Refusal.MessageTooLarge or Refusal.ReplayStoreFull or Refusal.TooManyCredentials or Refusal.Overloaded or Refusal.QuotaExceeded
            or Refusal.StorageFull => StatusCode.ResourceExhausted,

        Refusal.NotIntegrated or Refusal.EpochNotReached or Refusal.RegistryHalted or Refusal.LeaseOver or Refusal.KeysUnavailable or Refusal.RegistryUnheard or Refusal.WatchOutdated => StatusCode.Unavailable,

        Refusal.MethodUnknown or Refusal.CompressionUnsupported => StatusCode.Unimplemented,

        _ => throw new InvalidOperationException($"No status for the refusal {refusal}."),
    };

    /// <summary>The status with its stable reason, as it goes into <c>grpc-status-details-bin</c>.</summary>
    public static byte[] Details(CallRefusedException refused)
    {
        var status = new Google.Rpc.Status { Code = (int)Code(refused.Refusal), Message = refused.Message };
        status.Details.Add(Any.Pack(new ErrorInfo { Reason = refused.Refusal.Name(), Domain = Domain, Metadata = { refused.Facts.ToDictionary() } }));
        if ((refused.RetryAfter ?? DefaultRetry(refused.Refusal)) is { } delay)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }));
        return status.ToByteArray();
    }

    /// <summary>The refusal as the gRPC layer carries it.</summary>
    public static RpcException ToRpcException(this CallRefusedException refused, string nonce)
    {
        var trailers = new Metadata { { DetailsName, Details(refused) } };
        if (refused.Refusal == Refusal.UseDpopNonce)
            trailers.Add(NonceName, nonce);
        return new RpcException(new global::Grpc.Core.Status(Code(refused.Refusal), refused.Message), trailers);
    }

    // What is over by itself soon: a group commit, a checkpoint, the bookkeeping of proofs.
    private static TimeSpan? DefaultRetry(Refusal refusal) => refusal switch
    {
        Refusal.Overloaded or Refusal.NotIntegrated or Refusal.EpochNotReached or Refusal.ReplayStoreFull => TimeSpan.FromSeconds(1),
        _ => null,
    };
}
