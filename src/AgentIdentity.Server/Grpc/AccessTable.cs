using System.Collections.Frozen;
using System.Collections.Immutable;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Server.Grpc;

/// <summary>The four listeners. A service answers only where it belongs.</summary>
[Flags]
internal enum Listeners
{
    None = 0,
    Grpc = 1,
    Http = 2,
    Control = 4,
    Console = 8,
}

/// <summary>Who may call.</summary>
[Flags]
internal enum Callers
{
    Nobody = 0,

    /// <summary>No key is asked for. The call may still carry proofs of its own: a token, a challenge, a signed statement.</summary>
    Anyone = 1,

    /// <summary>An enrolled agent, by its key.</summary>
    Agents = 2,
    Operators = 4,
    Auditors = 8,
    Enforcers = 16,
    Sponsors = 32,
}

/// <summary>What one method asks of a call. With <c>IsTwoWay</c>, the caller streams too. With <c>RecordsRefusals</c>, what an agent is refused there is put on the record.</summary>
internal sealed record AccessRow(
    string Method, Listeners Listeners, Callers Callers, bool IsPrivateRead = false, bool BeforeGenesis = false, bool IsStream = false, bool IsTwoWay = false, bool AcceptsExpired = false, bool RecordsRefusals = false)
{
    /// <summary>Every call that is not open to anyone is signed: by the key of an agent or of a registered caller.</summary>
    public bool IsSigned => !Callers.HasFlag(Callers.Anyone);

    /// <summary>Probes set none, and health answers at once.</summary>
    public bool NeedsDeadline { get; } = !IsStream && !Method.StartsWith("/grpc.health.", StringComparison.Ordinal);

    public bool Allows(CallerRole role) => Callers.HasFlag(role switch
    {
        CallerRole.Operator => Callers.Operators,
        CallerRole.Auditor => Callers.Auditors,
        CallerRole.Enforcer => Callers.Enforcers,
        CallerRole.Sponsor => Callers.Sponsors,
        _ => throw new InvalidOperationException($"No rule for the role {role}."),
    });
}

/// <summary>Who may call what, and where. What does not stand here does not answer. A sponsor is answered about its own agents and stops alone: docs/formats.md, "Sponsor".</summary>
internal static class AccessTable
{
    private const Listeners Both = Listeners.Grpc | Listeners.Control;
    private const Callers Responders = Callers.Operators | Callers.Auditors;
    private const Callers Readers = Callers.Agents | Callers.Auditors | Callers.Operators;

    public static ImmutableArray<AccessRow> Rows { get; } =
    [
        new("/agentidentity.v1.Registry/BeginEnroll", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Registry/Enroll", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Registry/GetAgent", Listeners.Grpc, Readers | Callers.Sponsors | Callers.Enforcers, IsPrivateRead: true),
        new("/agentidentity.v1.Registry/ListAgents", Listeners.Grpc, Callers.Operators | Callers.Auditors | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Registry/ResolveDid", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Registry/RotateKey", Listeners.Grpc, Callers.Anyone),

        new("/agentidentity.v1.Credentials/Issue", Listeners.Grpc, Callers.Agents),
        new("/agentidentity.v1.Credentials/Renew", Listeners.Grpc, Callers.Agents, AcceptsExpired: true),
        new("/agentidentity.v1.Credentials/Delegate", Listeners.Grpc, Callers.Agents, RecordsRefusals: true),
        new("/agentidentity.v1.Credentials/Verify", Listeners.Grpc, Callers.Enforcers | Callers.Operators),

        new("/agentidentity.v1.Ledger/Record", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Ledger/GetAgentHead", Listeners.Grpc, Readers, IsPrivateRead: true),
        new("/agentidentity.v1.Ledger/GetInclusionProof", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Ledger/GetReceipt", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Ledger/ListWitnesses", Listeners.Grpc, Callers.Anyone),
        new("/agentidentity.v1.Ledger/GetConsistency", Both, Callers.Anyone),
        new("/agentidentity.v1.Ledger/WatchCheckpoints", Listeners.Grpc, Callers.Anyone, IsStream: true),
        new("/agentidentity.v1.Ledger/ListEntries", Listeners.Grpc, Callers.Auditors | Callers.Operators, IsPrivateRead: true),
        new("/agentidentity.v1.Ledger/FindCommitment", Listeners.Grpc, Readers, IsPrivateRead: true),
        new("/agentidentity.v1.Ledger/ListTrail", Listeners.Grpc, Readers | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Ledger/ExportTrail", Listeners.Grpc, Readers | Callers.Sponsors, IsPrivateRead: true, IsStream: true),

        new("/agentidentity.v1.Access/Watch", Listeners.Grpc, Callers.Enforcers, IsStream: true, IsTwoWay: true),

        new("/agentidentity.v1.Control/Stop", Listeners.Control, Callers.Operators | Callers.Sponsors),
        new("/agentidentity.v1.Control/Obey", Listeners.Control, Callers.Anyone),
        new("/agentidentity.v1.Control/PreviewStop", Listeners.Control, Callers.Operators | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Control/Restore", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Control/Cut", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Control/Propagation", Listeners.Control, Responders | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Control/WatchPropagation", Listeners.Control, Responders | Callers.Sponsors, IsPrivateRead: true, IsStream: true),
        new("/agentidentity.v1.Control/ExportCertificate", Listeners.Control, Callers.Operators | Callers.Auditors, IsPrivateRead: true, IsStream: true),
        new("/agentidentity.v1.Control/ListStops", Listeners.Control, Responders | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Control/ReplaceKey", Listeners.Control, Callers.Operators),

        new("/agentidentity.v1.Questions/WhoIs", Listeners.Control, Responders | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/ChainOfCommand", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/Descendants", Listeners.Control, Responders | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/Ancestors", Listeners.Control, Responders | Callers.Sponsors, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/WhatDid", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/CouldHave", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/BlastRadius", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/PathTo", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/StillAlive", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/WhoElse", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Questions/WhatIf", Listeners.Control, Responders, IsPrivateRead: true),

        new("/agentidentity.v1.Admin/Bootstrap", Listeners.Control, Callers.Anyone, BeforeGenesis: true),
        new("/agentidentity.v1.Admin/CreateEnrolmentToken", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/ListEnrolmentTokens", Listeners.Control, Responders, IsPrivateRead: true),
        new("/agentidentity.v1.Admin/WithdrawEnrolmentToken", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/RegisterCaller", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/ListCallers", Listeners.Control, Callers.Operators, IsPrivateRead: true),
        new("/agentidentity.v1.Admin/RotateIssuerKey", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/DefineBlueprint", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/AddOperator", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/RemoveCaller", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/SetBreakGlassKey", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/GetRules", Listeners.Control, Responders),
        new("/agentidentity.v1.Admin/SetRules", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/BeginApproval", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/Erase", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/PlaceHold", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/LiftHold", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/GetDidChange", Listeners.Control, Callers.Operators, IsPrivateRead: true),
        new("/agentidentity.v1.Admin/SubmitDidVersion", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/GetAnchorStatus", Listeners.Control, Responders),
        new("/agentidentity.v1.Admin/DemandAnchor", Listeners.Control, Callers.Operators),
        new("/agentidentity.v1.Admin/RotateDidKey", Listeners.Control, Callers.Operators),

        new("/envoy.service.auth.v3.Authorization/Check", Listeners.Grpc, Callers.Enforcers),

        new("/grpc.health.v1.Health/Check", Both, Callers.Anyone, BeforeGenesis: true),
        new("/grpc.health.v1.Health/List", Both, Callers.Anyone, BeforeGenesis: true),
        new("/grpc.health.v1.Health/Watch", Both, Callers.Anyone, BeforeGenesis: true, IsStream: true),
        new("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Both, Callers.Anyone, BeforeGenesis: true, IsStream: true, IsTwoWay: true),
        new("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Both, Callers.Anyone, BeforeGenesis: true, IsStream: true, IsTwoWay: true),
    ];

    private static readonly FrozenDictionary<string, AccessRow> ByMethod = Rows.ToFrozenDictionary(row => row.Method, StringComparer.Ordinal);

    public static bool HasService(string name, Listeners listener) =>
        Rows.Any(row => row.Listeners.HasFlag(listener) && row.Method.AsSpan(1).StartsWith(name, StringComparison.Ordinal) && row.Method[name.Length + 1] == '/');

    public static AccessRow? Find(string method) => ByMethod.GetValueOrDefault(method);
}
