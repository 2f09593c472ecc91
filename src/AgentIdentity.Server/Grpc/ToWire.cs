using System.Text.Json;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Witnessing;
using Google.Protobuf;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>From values to the wire.</summary>
internal static class ToWire
{
    public static Wire.At At(this RegistryNode registry)
    {
        var moment = registry.State.Moment;
        return new Wire.At { Epoch = moment.Epoch, Position = moment.Position };
    }

    public static Wire.Witness Witness(AskedWitness asked)
    {
        var (witness, report) = (asked.Witness, asked.Report);
        return new Wire.Witness
        {
            Name = witness.Name,
            Key = witness.Vkey,
            Url = witness.Url,
            Size = report.Size.Value,
            CosignedAt = report.CosignedAt?.ToUnixTimeMilliseconds() ?? 0,
            Problem = Name(report.Problem),
        };
    }

    public static string Name(WitnessProblem problem) => problem == WitnessProblem.None ? "" : JsonNamingPolicy.SnakeCaseUpper.ConvertName(problem.ToString());

    public static Wire.IssuedCredential Credential(Issued issued)
    {
        var claims = issued.Claims;
        return new Wire.IssuedCredential
        {
            Token = issued.Token,
            Jti = claims.Jti.ToString(),
            NotBefore = claims.NotBefore,
            ExpiresAt = claims.ExpiresAt,
            LedgerIndex = claims.LedgerIndex,
            LedgerPosition = claims.LedgerPosition,
            Document = issued.Document ?? "",
        };
    }

    /// <param name="registry">Whose agent it is.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="asks">Who is told; null for an agent about itself.</param>
    public static Wire.Agent Agent(RegistryNode registry, AgentRecord agent, CallerRecord? asks)
    {
        var terms = agent.Grant.Terms;
        var denied = registry.State.Stops.DenyState.Of(agent.Actor);
        return new Wire.Agent
        {
            Did = registry.Settings.Name.AgentDid(agent.Id),
            AgentId = Bytes(agent.Id.ToArray()),
            Key = new Wire.PublicKey { Jwk = agent.Key.ToJwk() },
            Sponsor = terms.Sponsor,
            Blueprint = terms.Blueprint,
            Labels = { Labels(terms) },
            MaximumEnvelope = terms.MaximumEnvelope,
            Audiences = { terms.Audiences },
            State = State(denied.State),
            EnrolledAt = agent.EnrolledAt,
            SessionEndsAt = agent.SessionEndsAt == long.MaxValue ? 0 : agent.SessionEndsAt,
            DemandsEvidence = agent.Grant.Policy is not null,
            EnrolledIndex = agent.EnrolledIndex.Value,
            Stop = denied.By is { } by && registry.State.Stops.Find(by.Index) is { } stop ? registry.Stop(stop, asks) : null,
            Statements = agent.Chains.Aggregate(0UL, (sum, chain) => sum + chain.Next),
        };
    }

    public static Wire.EnrolmentToken Token(RegistryNode registry, TokenRecord token)
    {
        var terms = token.Grant.Terms;
        return new Wire.EnrolmentToken
        {
            TokenId = Bytes(token.Id.ToArray()),
            TokenHash = Bytes(token.TokenHash),
            State = State(token.StateAt(registry.Reading.Now)),
            LedgerIndex = token.Created.Index.Value,
            CreatedAt = token.Created.At,
            CreatedBy = Bytes(token.Created.Actor.ToArray()),
            CreatedByName = CallerName(registry, token.Created.Actor),
            Sponsor = terms.Sponsor,
            Blueprint = terms.Blueprint,
            Labels = { Labels(terms) },
            MaximumEnvelope = terms.MaximumEnvelope,
            Audiences = { terms.Audiences },
            Uses = token.UsesAllowed,
            UsesMade = token.UsesMade,
            ExpiresAt = token.ExpiresAt,
            Evidence = token.Grant.Policy?.Canonical ?? "",
            SessionSeconds = token.Grant.SessionSeconds,
            NextDidKeyHash = token.NextDidKeyHash ?? "",
            Withdrawal = token.Withdrawal is { } withdrawal ? Withdrawal(registry, withdrawal) : null,
        };
    }

    private static Wire.TokenWithdrawal Withdrawal(RegistryNode registry, TokenWithdrawal withdrawal) => new()
    {
        LedgerIndex = withdrawal.By.Index.Value,
        WithdrawnAt = withdrawal.By.At,
        WithdrawnBy = Bytes(withdrawal.By.Actor.ToArray()),
        WithdrawnByName = CallerName(registry, withdrawal.By.Actor),
        Reason = withdrawal.Reason,
    };

    /// <summary>What a caller is registered as; empty for one who is registered no more.</summary>
    public static string CallerName(RegistryNode registry, SubjectId caller) => registry.State.Callers.FirstOrDefault(one => one.Id == caller)?.Name ?? "";

    private static Wire.TokenState State(TokenState state) => state switch
    {
        TokenState.Open => Wire.TokenState.TokenOpen,
        TokenState.UsedUp => Wire.TokenState.TokenUsedUp,
        TokenState.Expired => Wire.TokenState.TokenExpired,
        TokenState.Withdrawn => Wire.TokenState.TokenWithdrawn,
        _ => throw new InvalidOperationException($"No wire value for a token that is {state}."),
    };

    public static IEnumerable<Wire.Label> Labels(Grant terms) => Labels(terms.AttestedLabels, terms.Labels, terms.StatedLabels);

    public static IEnumerable<Wire.Label> Labels(CredentialClaims claims) => Labels(claims.AttestedLabels, claims.Labels, claims.StatedLabels);

    private static IEnumerable<Wire.Label> Labels(IReadOnlyList<KeyValuePair<string, string>> attested, IReadOnlyList<KeyValuePair<string, string>> sponsors, IReadOnlyList<KeyValuePair<string, string>> stated) =>
        [.. attested.Select(label => Label(label, Wire.LabelProvenance.Attested)), .. sponsors.Select(label => Label(label, Wire.LabelProvenance.Sponsor)), .. stated.Select(label => Label(label, Wire.LabelProvenance.Self))];

    private static Wire.Label Label(KeyValuePair<string, string> label, Wire.LabelProvenance provenance) => new() { Name = label.Key, Value = label.Value, Provenance = provenance };

    public static Wire.AgentState State(StandingState state) => state switch
    {
        StandingState.Active => Wire.AgentState.Active,
        StandingState.Restricted => Wire.AgentState.Restricted,
        StandingState.Frozen => Wire.AgentState.Frozen,
        StandingState.Revoked => Wire.AgentState.Revoked,
        _ => throw new InvalidOperationException($"No wire value for the state {state}."),
    };

    public static Wire.EntryClass Class(EntryClass entryClass) => entryClass switch
    {
        EntryClass.Authority => Wire.EntryClass.Authority,
        EntryClass.Activity => Wire.EntryClass.Activity,
        EntryClass.Quarantined => Wire.EntryClass.Quarantined,
        _ => throw new InvalidOperationException($"No wire value for the class {entryClass}."),
    };

    public static Wire.Caller Caller(CallerRecord caller) => new()
    {
        CallerId = Bytes(caller.Id.ToArray()),
        Role = Role(caller.Role),
        Name = caller.Name,
        Jkt = caller.Key.KeyId.ToString(),
        Audiences = { caller.Audiences },
        RegisteredAt = caller.RegisteredAt,
        PasskeyOrigin = caller.Passkey?.Text ?? "",
    };

    public static Wire.OperatorPasskey Passkey(CallerRecord caller) => new() { Name = caller.Name, Key = new() { Jwk = caller.Key.ToJwk() }, Origin = caller.Passkey!.Text };

    public static Wire.TrailEntry TrailEntry(TrailEntry entry) => new()
    {
        LedgerIndex = entry.Index.Value,
        SubjectSequence = entry.SubjectSequence,
        Entry = Bytes(entry.Entry),
        Salt = entry.Erased is null ? Bytes(entry.Salt) : ByteString.Empty,
        Leaf = Bytes(entry.Leaf),
        ErasedStub = entry.Erased is { } stub ? Bytes(stub.Encode()) : ByteString.Empty,
        Items = { entry.Items.Select(item => new Wire.IssuanceItem { LedgerPosition = item.Position, Item = Bytes(item.Item), Path = { item.Path.Select(Bytes) } }) },
    };

    public static Wire.GetConsistencyResponse Consistency(RegistryNode registry, Consistency consistency) => new()
    {
        Checkpoint = consistency.Checkpoint,
        Path = { consistency.Path.Select(Bytes) },
        At = registry.At(),
        LogKey = registry.Checkpoints.LogKey,
        Successions = { consistency.Links.Select(Succession) },
    };

    public static Wire.LogSuccession Succession(SuccessionProof link) => new()
    {
        Note = link.Note,
        Path = { link.Path.Select(Bytes) },
        LedgerIndex = link.Leaf.Index.Value,
        Leaf = Bytes(link.Leaf.Leaf),
        LeafPath = { link.Leaf.Path.Select(Bytes) },
        Entry = Bytes(link.Entry),
        Salt = Bytes(link.Salt),
    };

    public static Wire.ListedEntry ListedEntry(ListedEntry entry) => new()
    {
        LedgerIndex = entry.Index.Value,
        SequencedAt = entry.At,
        Kind = (uint)entry.Kind,
        EntryClass = Class(entry.Class),
        Subjects = { entry.Subjects.Select(subject => Bytes(subject.ToArray())) },
        Erased = entry.IsErased,
    };

    public static Wire.FoundCommitment Found(RegistryNode registry, FoundActivity found) => new()
    {
        Commitment = (uint)found.Wanted,
        LedgerIndex = found.Index.Value,
        Agent = registry.Settings.Name.AgentDid(found.Agent),
        SubjectSequence = found.SubjectSequence,
        KeyId = Bytes(found.Statement.KeyId.ToArray()),
        Sequence = found.Statement.Sequence,
        Statement = Bytes(found.Statement.Identity),
        SequencedAt = found.At,
        EntryClass = Class(found.Class),
    };

    public static ByteString Bytes(Hash hash) => Bytes(hash.ToArray());

    // The arrays are ours alone from here on.
    public static ByteString Bytes(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static Wire.Role Role(CallerRole role) => role switch
    {
        CallerRole.Operator => Wire.Role.Operator,
        CallerRole.Auditor => Wire.Role.Auditor,
        CallerRole.Enforcer => Wire.Role.Enforcer,
        CallerRole.Sponsor => Wire.Role.Sponsor,
        _ => throw new InvalidOperationException($"No wire value for the role {role}."),
    };

    public static Wire.StopInForce Stop(RegistryNode registry, StopRecord stop)
    {
        var wire = new Wire.StopInForce
        {
            LedgerIndex = stop.Denial.Index.Value,
            State = State(stop.Denial.State),
            Reason = stop.Reason,
            Epoch = stop.Denial.Epoch,
            At = stop.At,
            Scope = Scope(stop.Denial.Scope),
            Incident = stop.Incident,
            IndexPending = registry.Stopping.IsIndexPending(stop.Denial.Index),
        };
        if (stop.Denial.After is { } after)
            wire.After = after.Value;
        if (stop.Lifted is { By: var by })
            wire.LiftedBy = by.Value;
        if (stop.Rule is { } rule)
            wire.Rule = rule.Trigger.Word();
        return wire;
    }

    public static Wire.Scope Scope(Scope scope) => scope.Kind switch
    {
        ScopeKind.Agent => new() { Agent = scope.Value },
        ScopeKind.AgentWithDelegates => new() { AgentWithDelegates = scope.Value },
        ScopeKind.Credential => new() { Credential = scope.Value },
        ScopeKind.Key => new() { Key = scope.Value },
        ScopeKind.Blueprint => new() { Blueprint = scope.Value },
        ScopeKind.Model => new() { Model = scope.Value },
        ScopeKind.Sponsor => new() { Sponsor = scope.Value },
        ScopeKind.Audience => new() { Audience = scope.Value },
        ScopeKind.Resource => new() { Resource = scope.Value },
        ScopeKind.Label => new() { Label = Label(scope.Value) },
        ScopeKind.IssuerKey => new() { IssuerKey = new Wire.IssuerKey { Key = scope.KeyId.ToString(), After = scope.After.Value } },
        ScopeKind.Everything => new() { Everything = true },
        _ => throw new InvalidOperationException($"No wire value for a scope of the kind {scope.Kind}."),
    };

    private static Wire.Label Label(string value)
    {
        var cut = value.IndexOf('=', StringComparison.Ordinal);
        return new Wire.Label { Name = value[..cut], Value = value[(cut + 1)..] };
    }
}
