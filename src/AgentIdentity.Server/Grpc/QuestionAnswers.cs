using AgentIdentity.Credentials;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Registry.Stopping;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>Answers to responders, for the wire.</summary>
internal static class QuestionAnswers
{
    // Those that a person reads; the sums count all.
    private const int AdmissionsNamedMax = 100;

    public static Wire.AgentThen Agent(RegistryNode registry, AgentRecord agent, StandingThen then) => Agent(registry, agent, then.Of(agent));

    public static Func<IdentityThen, Wire.WhoItIs> Identity(RegistryNode registry, CallerRecord? asks) => who => new Wire.WhoItIs
    {
        Agent = Agent(registry, who.Agent, who.State),
        Jkt = who.Agent.Key.KeyId.ToString(),
        Labels = { ToWire.Labels(who.Agent.Grant.Terms) },
        EnrolledAt = who.Agent.EnrolledAt,
        Stops = { who.Stops.Select(stop => new Wire.StopThen { Stop = registry.Stop(stop.Stop, asks), WasInForce = stop.WasInForce }) },
        Credentials = { who.Credentials.Select(Credential) },
    };

    public static Func<CommandChain, Wire.CommandChain> Chain(RegistryNode registry, StandingThen then) => chain => new Wire.CommandChain
    {
        Agent = Agent(registry, chain.Agent, then),
        Jti = chain.Jti?.ToString() ?? "",
        Links = { chain.Links.Select(Link(registry)) },
        Root = Agent(registry, chain.Root, then),
        Whole = chain.IsWhole,
    };

    public static Wire.CredentialThen Credential(LiveCredential credential) => new()
    {
        Jti = credential.Item.Jti.ToString(),
        Jkt = credential.Item.Jkt.ToString(),
        Audience = { credential.Item.Audience },
        NotBefore = credential.Item.NotBefore,
        ExpiresAt = credential.Item.ExpiresAt,
        LedgerIndex = credential.Index.Value,
    };

    public static Wire.WhatDidResponse Conduct(ConductAnswer did, Wire.Answered answered, IReadOnlyList<Wire.AdmittedBy>? admitted, DateTimeOffset since) => new()
    {
        Answered = answered,
        Deeds = { did.Deeds.Select(Deed) },
        Statements = (uint)did.Statements,
        Commitments = (uint)did.Commitments,
        Quarantined = (uint)did.Quarantined,
        NotReliedOn = (uint)did.NotReliedOn,
        Erased = (uint)did.Erased,
        Forks = (uint)did.Forks,
        Basis = Basis(did, admitted, since),
        Admitted = { admitted ?? [] },
        AdmittedSince = admitted is null ? 0 : since.ToUnixTimeMilliseconds(),
    };

    // Nobody's word alone is called complete: the agent signs its statements, and enforcers count what they let in.
    private static string Basis(ConductAnswer did, IReadOnlyList<Wire.AdmittedBy>? admitted, DateTimeOffset since)
    {
        const string Own = "What the agent signed and handed in, and the registry's own entries about it.";
        if (admitted is null)
            return $"{Own} What enforcers count is kept for now alone: what it did without a statement is not in it.";
        if (admitted.Count == 0)
            return $"{Own} No enforcer has said since {since:yyyy-MM-dd HH:mm:ss'Z'} that it let it in: what it did without a statement is not in it.";
        var times = admitted.Aggregate(0UL, (sum, one) => sum + one.Times);
        return $"{Own} Beside its {did.Statements} statements here, {admitted.Count} of the enforcers have let it in {times} times since {since:yyyy-MM-dd HH:mm:ss'Z'}, by their own count and at least: what it did there without a statement is not in it.";
    }

    public static Func<Admitted, Wire.AdmittedBy> AdmittedBy(RegistryNode registry) => admitted => new Wire.AdmittedBy
    {
        Name = ToWire.CallerName(registry, admitted.Enforcer),
        CallerId = admitted.Enforcer.ToString(),
        Times = admitted.Times,
        FirstAt = admitted.FirstAt,
        LastAt = admitted.LastAt,
    };

    private static Wire.AliveEnforcer Enforcer(Door door) => new()
    {
        Name = door.Enforcer.Name,
        CallerId = door.Enforcer.Id.ToString(),
        Audiences = { door.Enforcer.Audiences },
        Watching = door.IsWatching,
        LeaseUntil = door.LeaseUntil,
        ObserveOnly = door.IsObserving,
        Epoch = door.SignedEpoch,
    };

    public static Func<Authority, Wire.Authority> Authority(RegistryNode registry) => authority => new Wire.Authority
    {
        Link = authority.Link is { } link ? Link(registry)(link) : null,
        Envelope = authority.Envelope,
        Audiences = { authority.Audiences },
        StoppedAudiences = { authority.StoppedAudiences },
        State = ToWire.State(authority.Left),
        Reason = authority.Refusal == Refusal.None ? "" : authority.Refusal.Name(),
    };

    public static Wire.WalkResponse Walk(RegistryNode registry, WalkAnswer answer, Asking asking, StandingThen then, CallerRecord asks) => new()
    {
        Answered = asking.Answer(registry, (ulong?)answer.Reached.Next),
        ByHops = { answer.ByHops.Select(count => (uint)count) },
        Agents = { answer.Reached.Items.Select(reached => Reached(registry, reached, then, asks)) },
    };

    public static Wire.StillAliveResponse Alive(RegistryNode registry, AliveAnswer answer, Asking asking, StandingThen then)
    {
        var wire = new Wire.StillAliveResponse { Answered = asking.Answer(registry, (ulong?)answer.Alive.Next), AgentsInScope = (uint)answer.Agents };
        if (answer.Credentials is { } credentials)
            wire.Credentials = (uint)credentials;
        if (answer.Onward is { } onward)
            wire.Onward = (uint)onward;
        if (answer.LastExpiry is { } last)
            wire.LastExpiry = last;
        wire.Agents.AddRange(answer.Alive.Items.Select(alive => new Wire.AliveAgent
        {
            Agent = Agent(registry, alive.Agent, then),
            Credentials = { alive.Credentials.Select(Credential) },
            Links = { alive.LinksTo.Select(Link(registry)) },
        }));
        wire.Enforcers.AddRange(registry.Doors.For(answer.Audiences).Select(Enforcer));
        return wire;
    }

    public static Func<Kin, Wire.KinAgent> Kin(RegistryNode registry, StandingThen then) => kin => new Wire.KinAgent
    {
        Agent = Agent(registry, kin.Agent, then),
        SameToken = kin.Kinship.HasFlag(Kinship.Token),
        SameBlueprint = kin.Kinship.HasFlag(Kinship.Blueprint),
        SameSponsor = kin.Kinship.HasFlag(Kinship.Sponsor),
        SameImage = kin.Kinship.HasFlag(Kinship.Image),
    };

    private static Func<TurnedAdmissions, Wire.TurnedAdmissions> TurnedAdmissions(RegistryNode registry) => turned => new Wire.TurnedAdmissions
    {
        Agent = registry.Settings.Name.AgentDid(turned.Agent),
        Enforcer = ToWire.CallerName(registry, turned.Enforcer),
        Times = turned.Times,
        Unsure = turned.IsUnsure,
    };

    public static Wire.WhatIfResponse Trial(RegistryNode registry, WhatIfAnswer answer, AdmissionTrial? atEnforcers, Asking asking)
    {
        var wire = new Wire.WhatIfResponse
        {
            Answered = asking.Answer(registry, (ulong?)answer.Turned.Next),
            Allowed = (uint)answer.Allowed,
            Refused = (uint)answer.Refused,
            Unsure = (uint)answer.Unsure,
            Turned = { answer.Turned.Items.Select(turned => new Wire.TurnedDecisions { Agent = registry.Settings.Name.AgentDid(turned.Agent), Audience = turned.Audience, Allowed = (uint)turned.Allowed, Refused = (uint)turned.Refused, Unsure = (uint)turned.Unsure }) },
            AgentsReached = (ulong)answer.Agents,
            AgentsConcerned = (ulong)answer.Concern.Agents,
            MatchesNobody = answer.Concern.IsNobody,
        };
        if (answer.DelegatedCredentials is { } delegated)
            wire.CredentialsReached = (ulong)delegated;
        if (atEnforcers is not null)
            AddAdmissions(wire, registry, atEnforcers);
        if (answer.Since is { } since)
            wire.Since = since;
        return wire;
    }

    private static void AddAdmissions(Wire.WhatIfResponse wire, RegistryNode registry, AdmissionTrial trial)
    {
        wire.Admitted = trial.Admitted;
        wire.AdmittedRefused = trial.Refused;
        wire.AdmittedUnsure = trial.Unsure;
        wire.Enforcers = (uint)trial.Enforcers;
        wire.EnforcersReporting = (uint)trial.Reporting;
        wire.Admissions.AddRange(trial.Turned.Take(AdmissionsNamedMax).Select(TurnedAdmissions(registry)));
    }

    private static Wire.AgentThen Agent(RegistryNode registry, AgentRecord agent, Credentials.Entries.StandingState state) => new()
    {
        Did = registry.Settings.Name.AgentDid(agent.Id),
        Sponsor = agent.Grant.Terms.Sponsor,
        Blueprint = agent.Grant.Terms.Blueprint,
        State = ToWire.State(state),
        EnrolledIndex = agent.EnrolledIndex.Value,
    };

    private static Func<DelegationLink, Wire.CommandLink> Link(RegistryNode registry) => link => new Wire.CommandLink
    {
        LedgerIndex = link.Index.Value,
        Parent = registry.Settings.Name.AgentDid(link.Body.Parent),
        ParentJti = link.Body.ParentJti.ToString(),
        Child = registry.Settings.Name.AgentDid(link.Body.Child),
        ChildJti = link.Body.ChildJti.ToString(),
        ExpiresAt = link.Body.ExpiresAt,
        Depth = link.Body.Depth,
    };

    private static Wire.Deed Deed(Deed deed)
    {
        var wire = new Wire.Deed
        {
            LedgerIndex = deed.Index.Value,
            SequencedAt = deed.At,
            Kind = (uint)deed.Kind,
            Quarantined = deed.IsQuarantined,
            Erased = deed.IsErased,
            Commitments = (uint)deed.Commitments,
        };
        if (deed.NotReliedOn is { } cut)
            wire.CutBy = cut.Value;
        return wire;
    }

    private static Wire.ReachedAgent Reached(RegistryNode registry, Reached reached, StandingThen then, CallerRecord asks) => new()
    {
        Agent = Agent(registry, reached.Agent, then).NarrowedFor(asks, reached.Agent),
        Hops = (uint)reached.Hops,
        Via = reached.Via is { } via ? registry.Settings.Name.AgentDid(via) : "",
        Edge = Edge(reached.Edge),
        Weight = asks.Sees(reached.Agent) ? (uint)reached.Weight : 0,
        FirstLink = reached.Delegation?.First.Value ?? 0,
        LastLink = reached.Delegation?.Last.Value ?? 0,
        Budgets = { reached.Budgets.Select(use => new Wire.BudgetUse { Unit = use.Unit, Amount = use.Amount, Spent = use.Spent }) },
    };

    private static Wire.EdgeKind Edge(EdgeKinds edge) => edge switch
    {
        EdgeKinds.None => Wire.EdgeKind.Unspecified,
        EdgeKinds.DelegatesTo => Wire.EdgeKind.DelegatesTo,
        EdgeKinds.Calls => Wire.EdgeKind.Calls,
        EdgeKinds.SameBlueprint => Wire.EdgeKind.SameBlueprint,
        _ => throw new InvalidOperationException($"No wire value for the edge {edge}."),
    };
}
