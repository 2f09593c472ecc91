using AgentIdentity.Cli.Demo;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Cli.Verbs;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Cli.Drill;

/// <summary>What a responder would ask, held against what the drill knows that it did.</summary>
internal sealed class DrillQuestions(Narrator narrator, RegistryConnection @operator, ShadowAgent victim, IReadOnlyList<ShadowAgent> delegates, string id, StopPropagation stop)
{
    // Before the stop and after it.
    private const int Statements = 2;

    private static readonly Question Whole = new() { PageSize = 1000 };

    public async Task AskAsync(CancellationToken cancellationToken)
    {
        CheckWho(await @operator.Questions.WhoIsAsync(new WhoIsRequest { Question = Whole, Who = new Asked { Key = $"{victim.Key.PublicKey.KeyId}" } }, cancellationToken: cancellationToken));
        CheckChain(await @operator.Questions.ChainOfCommandAsync(new ChainOfCommandRequest { Question = Whole, Who = new Asked { Credential = delegates[^1].Credential.Jti } }, cancellationToken: cancellationToken));
        CheckDescendants(await @operator.Questions.DescendantsAsync(new LineageRequest { Question = Whole, Agent = victim.Did }, cancellationToken: cancellationToken));
        CheckDeeds(await @operator.Questions.WhatDidAsync(new WhatDidRequest { Question = Whole, Agent = victim.Did }, cancellationToken: cancellationToken));
        var scope = ScopeText.ToWire(Scope.AgentWithDelegates(victim.Enrolled.AgentId));
        CheckRadius(await @operator.Questions.BlastRadiusAsync(new BlastRadiusRequest { Question = Whole, Scope = scope }, cancellationToken: cancellationToken));
    }

    private void CheckWho(WhoIsResponse answer)
    {
        var found = answer.Agents.SingleOrDefault();
        var isRight = found?.Agent.Did == victim.Did && found.Agent.State == AgentState.Frozen && found.Agent.Sponsor == "drill" && found.Agent.Blueprint == id
            && found.Labels.Any(label => label.Name == "drill" && label.Value == id)
            && found.Stops.Any(one => one.WasInForce && one.Stop.LedgerIndex == stop.Stop.LedgerIndex && one.Stop.Incident == id);
        narrator.Check("who-is", isRight, $"the stolen key is {found?.Agent.Did ?? "nobody's"}, {found?.Agent.State.ToString().ToLowerInvariant()}, by entry {stop.Stop.LedgerIndex}");
    }

    private void CheckChain(ChainOfCommandResponse answer)
    {
        var chain = answer.Chains.SingleOrDefault();
        string[] above = [.. chain?.Links.Select(link => link.Parent) ?? []];
        var isRight = chain is { Whole: true } && above.SequenceEqual([delegates[0].Did, victim.Did]) && chain.Root.Did == victim.Did && chain.Root.Sponsor == "drill";
        narrator.Check("chain", isRight, $"the last delegate acted under {EntryText.Count(above.Length, "agent")}, up to {chain?.Root?.Did}, for whom {chain?.Root?.Sponsor} answers");
    }

    private void CheckDescendants(WalkResponse answer)
    {
        var found = answer.Agents.Where(reached => reached.Hops > 0).Select(reached => reached.Agent.Did).ToHashSet();
        narrator.Check("descend", found.SetEquals(delegates.Select(agent => agent.Did)), $"authority of the victim had come to {EntryText.Count(found.Count, "agent")}, of {delegates.Count}");
    }

    private void CheckDeeds(WhatDidResponse answer)
    {
        var passedOn = answer.Deeds.Count(deed => deed.Kind == (uint)EntryKind.Delegated);
        var isRight = answer.Statements == Statements && answer.Quarantined == 1 && passedOn == delegates.Count - 1
            && answer.Deeds.Any(deed => deed.Kind == (uint)EntryKind.AgentEnrolled) && answer.Deeds.Any(deed => deed.LedgerIndex == stop.Stop.LedgerIndex);
        narrator.Check("what-did", isRight, $"the victim recorded {EntryText.Count(answer.Statements, "statement")}, {answer.Quarantined} of them after the stop, and passed on {passedOn} times");
    }

    private void CheckRadius(WalkResponse answer)
    {
        var found = answer.Agents.Select(reached => reached.Agent.Did).ToHashSet();
        var strangers = answer.Agents.Count(reached => reached.Agent.Blueprint != id);
        var isRight = strangers == 0 && found.IsSupersetOf([victim.Did, .. delegates.Select(agent => agent.Did)]);
        narrator.Check("blast", isRight, $"trouble can have come to {EntryText.Count(answer.Agents.Count, "agent")}, {(strangers == 0 ? "all of the drill" : $"{strangers} of them not of the drill")}");
    }
}
