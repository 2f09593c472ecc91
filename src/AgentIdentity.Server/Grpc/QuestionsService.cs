using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.State;
using Google.Protobuf.Collections;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>What responders ask, and sponsors of their own agents. Each answer is on the record before it leaves.</summary>
internal sealed class QuestionsService(RegistryNode registry) : Wire.Questions.QuestionsBase
{
    private const int HopsUsual = 3;

    // The longest audience or location that an envelope can hold.
    private const int TargetMax = 256;

    public override async Task<Wire.WhoIsResponse> WhoIs(Wire.WhoIsRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var asking = Asking.Read(registry, context, request, request.Question);
        var who = Asking.Who(registry, call, request.Who);
        var answer = Responding(context).Identities.WhoIs(who, asking.AsOf, asking.Page, call.Caller).OrRefuse();
        var agents = answer.Agents.Items;
        await RecordAsync(context, who, agents.Count == 1 ? agents[0].Agent : null, agents.Count);
        return new Wire.WhoIsResponse
        {
            Answered = asking.Answer(registry, (ulong?)answer.Agents.Next),
            Agents = { agents.Select(QuestionAnswers.Identity(registry, call.Caller)) },
            CallerRole = answer.Caller?.Role.ToString().ToLowerInvariant() ?? "",
            CallerName = answer.Caller?.Name ?? "",
        };
    }

    public override async Task<Wire.ChainOfCommandResponse> ChainOfCommand(Wire.ChainOfCommandRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var who = Asking.Who(registry, CallState.Of(context), request.Who);
        var chains = Responding(context).Identities.ChainOfCommand(who, asking.AsOf, asking.Page).OrRefuse();
        await RecordAsync(context, who, chains.Items.DistinctBy(chain => chain.Agent.Id).ToArray() is [var one] ? one.Agent : null, chains.Items.Count);
        return new Wire.ChainOfCommandResponse { Answered = asking.Answer(registry, (ulong?)chains.Next), Chains = { chains.Items.Select(QuestionAnswers.Chain(registry, Then(asking))) } };
    }

    public override Task<Wire.WalkResponse> Descendants(Wire.LineageRequest request, ServerCallContext context) => LineageAsync(request, context, Responding(context).Graphs.Descendants);

    public override Task<Wire.WalkResponse> Ancestors(Wire.LineageRequest request, ServerCallContext context) => LineageAsync(request, context, Responding(context).Graphs.Ancestors);

    public override async Task<Wire.WhatDidResponse> WhatDid(Wire.WhatDidRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var agent = Agent(CallState.Of(context), request.Agent, asking.AsOf);
        var did = Responding(context).Conduct.WhatDid(agent, FromWire.Period(request.From, request.To), asking.From, asking.Size, asking.AsOf);
        await registry.PutOnRecordAsync(CallState.Of(context), agent, did.Deeds.Count);
        var admissions = registry.Watch.Admissions;
        var admitted = asking.AsOf.IsNow ? admissions.Of(agent.Id).Select(QuestionAnswers.AdmittedBy(registry)).ToArray() : null;
        return QuestionAnswers.Conduct(did, asking.Answer(registry, did.Next), admitted, admissions.Since);
    }

    public override async Task<Wire.CouldHaveResponse> CouldHave(Wire.CouldHaveRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var agent = Agent(CallState.Of(context), request.Agent, asking.AsOf);
        var could = Responding(context).Conduct.CouldHave(agent, asking.AsOf);
        await registry.PutOnRecordAsync(CallState.Of(context), agent, could.Authorities.Count);
        return new Wire.CouldHaveResponse
        {
            Answered = asking.Answer(registry, null),
            Agent = QuestionAnswers.Agent(registry, agent, Then(asking)),
            Authorities = { could.Authorities.Select(QuestionAnswers.Authority(registry)) },
            Credentials = { could.Credentials.Select(QuestionAnswers.Credential) },
            StoppedLocations = { could.StoppedLocations },
        };
    }

    public override async Task<Wire.WalkResponse> BlastRadius(Wire.BlastRadiusRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var scope = ScopeOf(request.Scope);
        var hops = request.HopsMax == 0 ? HopsUsual : request.HopsMax <= Graphs.HopsMax ? (int)request.HopsMax : throw CallRefusedException.Malformed($"A walk has 1 to {Graphs.HopsMax} hops.");
        var answer = Responding(context).Graphs.BlastRadius(scope, Edges(request.Edges), hops, asking.AsOf, asking.Page);
        await registry.PutOnRecordAsync(CallState.Of(context), scope.ToString(), answer.Reached.Items.Count);
        return QuestionAnswers.Walk(registry, answer, asking, Then(asking), CallState.Of(context).Caller!);
    }

    public override async Task<Wire.WalkResponse> PathTo(Wire.PathToRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        if (request.Target.Length is 0 or > TargetMax)
            throw CallRefusedException.Malformed($"A target is a location or an audience of 1 to {TargetMax} characters.");
        if (!LocationPattern.IsWellFormed(request.Target))
            throw CallRefusedException.Malformed("A target is exact, or a location that ends in /*: a star stands nowhere else.");
        var answer = Responding(context).Graphs.PathTo(request.Target, asking.AsOf, asking.Page);
        await registry.PutOnRecordAsync(CallState.Of(context), request.Target, answer.Reached.Items.Count);
        var wire = QuestionAnswers.Walk(registry, answer, asking, Then(asking), CallState.Of(context).Caller!);
        wire.ByLinks = asking.AsOf.IsNow;
        return wire;
    }

    public override async Task<Wire.StillAliveResponse> StillAlive(Wire.StillAliveRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var scope = ScopeOf(request.Scope);
        var answer = Responding(context).StopTrials.StillAlive(scope, asking.AsOf, asking.Page);
        await registry.PutOnRecordAsync(CallState.Of(context), scope.ToString(), answer.Alive.Items.Count);
        return QuestionAnswers.Alive(registry, answer, asking, Then(asking));
    }

    public override async Task<Wire.WhoElseResponse> WhoElse(Wire.WhoElseRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var agent = Agent(CallState.Of(context), request.Agent, asking.AsOf);
        var kin = Responding(context).Identities.WhoElse(agent, asking.AsOf, asking.Page);
        await registry.PutOnRecordAsync(CallState.Of(context), agent, kin.Kin.Items.Count);
        return new Wire.WhoElseResponse
        {
            Answered = asking.Answer(registry, (ulong?)kin.Kin.Next),
            SameToken = (uint)kin.SameToken,
            SameBlueprint = (uint)kin.SameBlueprint,
            SameSponsor = (uint)kin.SameSponsor,
            SameImage = (uint)kin.SameImage,
            Agents = { kin.Kin.Items.Select(QuestionAnswers.Kin(registry, Then(asking))) },
        };
    }

    public override async Task<Wire.WhatIfResponse> WhatIf(Wire.WhatIfRequest request, ServerCallContext context)
    {
        var asking = Asking.Read(registry, context, request, request.Question);
        var scope = ScopeOf(request.Scope);
        var answer = Responding(context).StopTrials.WhatIf(scope, ControlService.State(request.State), asking.AsOf, asking.Page, context.CancellationToken);
        await registry.PutOnRecordAsync(CallState.Of(context), scope.ToString(), answer.Turned.Items.Count);
        var atEnforcers = Responding(context).StopTrials.WhatIfAtEnforcers(scope, ControlService.State(request.State), asking.AsOf, registry.Watch.Admissions.Recent(), context.CancellationToken);
        return QuestionAnswers.Trial(registry, answer, atEnforcers, asking);
    }

    private async Task<Wire.WalkResponse> LineageAsync(Wire.LineageRequest request, ServerCallContext context, Func<AgentRecord, AsOf, Page, CallerRecord?, WalkAnswer> walk)
    {
        var call = CallState.Of(context);
        var asking = Asking.Read(registry, context, request, request.Question);
        var agent = Agent(call, request.Agent, asking.AsOf);
        var answer = walk(agent, asking.AsOf, asking.Page, call.Caller);
        await registry.PutOnRecordAsync(call, agent, answer.Reached.Items.Count);
        return QuestionAnswers.Walk(registry, answer, asking, Then(asking), call.Caller!);
    }

    private Responding Responding(ServerCallContext context) => registry.Responding.Until(context.CancellationToken);

    // What can cover nobody must not be answered as if nobody were there.
    private Scope ScopeOf(Wire.Scope? wire)
    {
        var scope = registry.Scope(wire);
        return registry.Stopping.CheckScope(scope) is { } wrong ? throw new CallRefusedException(wrong.Refusal, wrong.Detail) : scope;
    }

    private AgentRecord Agent(CallState call, string didOrUuid, AsOf asOf)
    {
        var agent = registry.Agent(call, didOrUuid);
        return asOf.Includes(agent) ? agent : throw new CallRefusedException(Refusal.AgentUnknown, $"The agent was enrolled later, by entry {agent.EnrolledIndex}.");
    }

    private StandingThen Then(Asking asking) => new(registry.State, asking.AsOf);

    // About one agent it is that agent's entry, else the registry's.
    private Task RecordAsync(ServerCallContext context, Asked who, AgentRecord? agent, int records) => agent is not null
        ? registry.PutOnRecordAsync(CallState.Of(context), agent, records)
        : registry.PutOnRecordAsync(CallState.Of(context), who.ToString(), records);

    private static EdgeKinds Edges(RepeatedField<Wire.EdgeKind> edges) => edges.Count == 0 ? EdgeKinds.All : edges.Aggregate(EdgeKinds.None, (kinds, edge) => kinds | edge switch
    {
        Wire.EdgeKind.DelegatesTo => EdgeKinds.DelegatesTo,
        Wire.EdgeKind.Calls => EdgeKinds.Calls,
        Wire.EdgeKind.SameBlueprint => EdgeKinds.SameBlueprint,
        _ => throw CallRefusedException.Malformed("An edge is DELEGATES_TO, CALLS or SAME_BLUEPRINT."),
    });
}
