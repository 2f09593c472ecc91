using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Cli.Verbs;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using EntryClass = AgentIdentity.Protocol.V1.EntryClass;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Cli.Drill;

/// <summary>The day, from enrolment to the last revocation. Whatever happens on it, what it enrolled is revoked in the end.</summary>
internal sealed class GameDay(Invocation run, Narrator narrator, PrivateKey key, RegistryConnection @operator, DrillTool tool, string folder) : IAsyncDisposable
{
    // The agents' own; of the delegates; of the delegate's delegate.
    private const int Depth = 2;

    // What must come soon; whatever takes longer is a finding.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ThiefsTime = TimeSpan.FromMilliseconds(200);

    // Which take an action and a proof that they are given.
    private static readonly Gate[] Deciding = [Gate.Enforcer, Gate.Registry];

    private readonly string _id = $"drill-{run.Clock.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(2))}";
    private readonly List<ShadowAgent> _agents = [];

    private ShadowAgent Victim => _agents[0];

    private ShadowAgent Bystander => _agents[1];

    private IReadOnlyList<ShadowAgent> Delegates => _agents[2..];

    public async Task RunAsync(int delegates, bool waitsForExhausted, CancellationToken cancellationToken)
    {
        try
        {
            await EnrolAsync(delegates, cancellationToken);
            await ActAsync(cancellationToken);
            var compromisedAt = run.Clock.GetTimestamp();
            await ReplayAsync(cancellationToken);
            await OverreachAsync(cancellationToken);
            await SpreadAsync(cancellationToken);
            var (stop, askedAt) = await StopAsync(compromisedAt, cancellationToken);
            await AfterwardsAsync(cancellationToken);
            await new DrillQuestions(narrator, @operator, Victim, Delegates, _id, stop).AskAsync(cancellationToken);
            await ExhaustAsync(stop, askedAt, waitsForExhausted, cancellationToken);
        }
        finally
        {
            await RetireAsync();
        }
    }

    public ValueTask DisposeAsync()
    {
        _agents.ForEach(agent => agent.Dispose());
        return ValueTask.CompletedTask;
    }

    private async Task EnrolAsync(int delegates, CancellationToken cancellationToken)
    {
        var request = new CreateEnrolmentTokenRequest
        {
            Sponsor = "drill",
            Blueprint = _id,
            Labels = { new Label { Name = "drill", Value = _id } },
            MaximumEnvelope = tool.Envelope(Depth),
            Audiences = { tool.Audiences },
            Uses = (uint)delegates + 2,
            LifetimeSeconds = 60,
        };
        var token = await @operator.Admin.CreateEnrolmentTokenAsync(request, cancellationToken: cancellationToken);
        using var connection = run.Connect();
        for (var i = 0; i < request.Uses; i++)
            _agents.Add(await ShadowAgent.EnrolAsync(connection, token.Token, cancellationToken));
        narrator.Tell(
            "enrol", $"{_agents.Count} agents of the sponsor drill, label drill={_id}; the one to be compromised is {Victim.Did}",
            new JsonObject { ["drill"] = _id, ["victim"] = Victim.Did, ["bystander"] = Bystander.Did, ["delegates"] = new JsonArray([.. Delegates.Select(agent => (JsonNode)agent.Did)]) });
        narrator.Tell("enforcer", $"{tool.Name} runs in this process and answers for {DrillTool.Audience}{(tool.IsNew ? "; it was registered for drills, and stays registered" : "")}");
    }

    private async Task ActAsync(CancellationToken cancellationToken)
    {
        // What was signed in the second in which an enforcer was started it refuses: it may have been used before.
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        foreach (var agent in new[] { Victim, Bystander })
            await ExpectAsync("act", tool.Gates, agent, DrillTool.Allowed, Refusal.None, $"{Name(agent)} with a fresh proof", cancellationToken);
        var recorded = await RecordAsync("read the records", cancellationToken);
        narrator.Check("act", recorded.EntryClass == EntryClass.Activity, $"what the victim did is entry {recorded.LedgerIndex}");
    }

    // Whoever has the key is let in: that is what a stolen key can do. What passes by on the wire is no key.
    private async Task ReplayAsync(CancellationToken cancellationToken)
    {
        narrator.Tell("stolen", "credential and key of the victim are used over other connections from here on");
        foreach (var gate in Deciding)
        {
            var (first, second) = await tool.TryTwiceAsync(gate, Victim, cancellationToken);
            narrator.Check("replayed", first.IsAllowed && second.Reason == Refusal.ProofReplayed.Name(), $"{Name(gate)}: the thief is let in, and the same proof once more is refused, {second.Reason}");
        }
    }

    private async Task OverreachAsync(CancellationToken cancellationToken)
    {
        AskedAction[] wanted = [DrillTool.Allowed with { Action = "write" }, DrillTool.Allowed with { Type = "payments" }, DrillTool.Allowed with { Location = "https://elsewhere.invalid/records" }];
        foreach (var action in wanted)
            await ExpectAsync("probing", Deciding, Victim, action, Refusal.EnvelopeExceeded, $"{action.Type}:{action.Action}:{action.Location}", cancellationToken);
        using var thief = run.Connect(Victim.Key);
        var wider = new IssueRequest { AuthorizationDetails = new JsonArray(AuthorityOptions.ParseAllow($"drill:write:{DrillTool.Audience}/*", Depth)).ToJsonString() };
        await RefusedAsync("probing", Refusal.EnvelopeTooWide, "a credential for more", () => thief.Credentials.IssueAsync(wider, cancellationToken: cancellationToken).ResponseAsync);
        await RefusedAsync("probing", Refusal.AudienceNotAllowed, "a credential for others", () => thief.Credentials.IssueAsync(new IssueRequest { Audience = { "https://elsewhere.invalid" } }, cancellationToken: cancellationToken).ResponseAsync);
    }

    // The last one is reached over the first: what came over two hands must die with the rest.
    private async Task SpreadAsync(CancellationToken cancellationToken)
    {
        using var thief = run.Connect(Victim.Key, Victim.Credential.Source);
        foreach (var agent in Delegates.SkipLast(1))
            agent.Credential = await AgentDelegation.DelegateAsync(thief, new DelegateRequest { Agent = agent.Did, AuthorizationDetails = tool.Envelope(Depth - 1) }, cancellationToken);
        using var onward = run.Connect(Delegates[0].Key, Delegates[0].Credential.Source);
        Delegates[^1].Credential = await AgentDelegation.DelegateAsync(onward, new DelegateRequest { Agent = Delegates[^1].Did, AuthorizationDetails = tool.Envelope(Depth - 2) }, cancellationToken);
        var isUsed = await AllAsync(Delegates, attempt => attempt.IsAllowed, cancellationToken);
        narrator.Check("burst", isUsed, $"{EntryText.Count(Delegates.Count, "agent")} act with what was passed on to them, one of them over another");
    }

    private async Task<(StopPropagation Stop, long AskedAt)> StopAsync(long compromisedAt, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var began = run.Clock.GetTimestamp();
        var thieves = Task.WhenAll(tool.HammerAsync(Victim, ending.Token), tool.HammerAsync(Delegates[^1], ending.Token));
        await HammeredAsync(began, cancellationToken);
        var askedAt = run.Clock.GetTimestamp();
        var request = new StopRequest
        {
            Scope = ScopeText.ToWire(Scope.AgentWithDelegates(Victim.Enrolled.AgentId)),
            State = AgentState.Frozen,
            Reason = "a drill: its key was copied",
            Incident = _id,
        };
        var stopped = await @operator.Control.StopAsync(request, cancellationToken: cancellationToken);
        var recordedAt = run.Clock.GetTimestamp();
        narrator.Tell("stop", $"the victim with its delegates is frozen: entry {stopped.LedgerIndex}, epoch {stopped.Epoch}, incident {_id}");
        TellLevel(StopLevel.Recorded, askedAt, recordedAt);
        var (stop, enforcedAt) = await FollowAsync(stopped.LedgerIndex, StopLevel.Recorded, StopLevel.Enforced, askedAt, Patience, cancellationToken);
        await HammeredAsync(enforcedAt, cancellationToken);
        await ending.CancelAsync();
        await thieves;
        CheckReach(stop);
        TellLeak(Gate.Registry, StopLevel.Recorded, compromisedAt, recordedAt);
        foreach (var gate in tool.Gates.Where(gate => gate != Gate.Registry))
            TellLeak(gate, StopLevel.Enforced, compromisedAt, enforcedAt);
        return (stop, askedAt);
    }

    // On a crowded machine a fixed time may pass before anything was tried.
    private async Task HammeredAsync(long since, CancellationToken cancellationToken)
    {
        await Task.Delay(ThiefsTime, cancellationToken);
        await tool.WhenTriedSinceAsync(since, Patience, cancellationToken);
    }

    // By the drill's own clock, from when the stop was asked for.
    private async Task<(StopPropagation Stop, long ReachedAt)> FollowAsync(ulong index, StopLevel told, StopLevel wanted, long askedAt, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        var seen = new StopPropagation();
        try
        {
            using var call = @operator.Control.WatchPropagation(new PropagationRequest { Stop = index }, cancellationToken: limit.Token);
            while (told < wanted && await call.ResponseStream.MoveNext(limit.Token))
            {
                seen = call.ResponseStream.Current.Stops.Single();
                var seenAt = run.Clock.GetTimestamp();
                while (told < seen.Level)
                    TellLevel(++told, askedAt, seenAt);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Said below.
        }
        narrator.Check("level", told >= wanted, told >= wanted ? $"{PropagationText.Word(wanted)} was reached" : $"{PropagationText.Word(wanted)} was not reached in {patience.TotalSeconds} s: {string.Join(" ", seen.Residual)}");
        return (seen, run.Clock.GetTimestamp());
    }

    private void TellLevel(StopLevel level, long askedAt, long reachedAt)
    {
        var took = (long)run.Clock.GetElapsedTime(askedAt, reachedAt).TotalMilliseconds;
        narrator.Tell("level", $"{PropagationText.Word(level),-9}  {took} ms after the stop was asked for", new JsonObject { ["level"] = PropagationText.Word(level), ["took_ms"] = took });
    }

    private void CheckReach(StopPropagation stop)
    {
        narrator.Check("reach", stop.AgentsBelow == (ulong)Delegates.Count, $"the stop reached {EntryText.Count((long)stop.AgentsBelow, "delegate")}");
        var own = stop.Enforcers.SingleOrDefault(enforcer => enforcer.Name == tool.Name);
        narrator.Check("probe", own?.Probe == ProbeSeen.ProbeRefused, $"the probe that rode along, at {tool.Name}: {(own is null ? "not in the report" : PropagationText.Probe(own))}");
    }

    private void TellLeak(Gate gate, StopLevel level, long compromisedAt, long reachedAt)
    {
        var since = tool.Attempts.Where(attempt => attempt.Gate == gate && attempt.BeganAt >= compromisedAt).ToArray();
        var leaked = since.Count(attempt => attempt.IsAllowed && attempt.BeganAt < reachedAt);
        var after = since.Where(attempt => attempt.BeganAt >= reachedAt).ToArray();
        var word = PropagationText.Word(level);
        narrator.Tell("leak", $"{Name(gate)}: let in {leaked} times between the compromise and {word}", new JsonObject { ["gate"] = Name(gate), ["level"] = word, ["allowed"] = leaked });
        narrator.Check("leak", after.Length > 0 && !Array.Exists(after, attempt => attempt.IsAllowed), $"{Name(gate)}: of {after.Length} requests that began after {word} none was let in");
    }

    private async Task AfterwardsAsync(CancellationToken cancellationToken)
    {
        var isOver = await AllAsync([Victim, .. Delegates], attempt => !attempt.IsAllowed, cancellationToken);
        narrator.Check("refused", isOver, $"the victim and its {Delegates.Count} delegates are refused by {string.Join(", ", tool.Gates.Select(Name))}");
        using var thief = run.Connect(Victim.Key);
        await RefusedAsync("refused", Refusal.AgentFrozen, "a fresh credential", () => thief.Credentials.RenewAsync(new RenewRequest { Credential = Victim.Credential.Token }, cancellationToken: cancellationToken).ResponseAsync);
        using var shown = run.Connect(Victim.Key, Victim.Credential.Source);
        await RefusedAsync("refused", Refusal.AgentFrozen, "another delegate", () => AgentDelegation.DelegateAsync(shown, new DelegateRequest { Agent = Bystander.Did, AuthorizationDetails = tool.Envelope(Depth - 1) }, cancellationToken));
        await ExpectAsync("goes on", tool.Gates, Bystander, DrillTool.Allowed, Refusal.None, "the bystander is not concerned", cancellationToken);
        var recorded = await RecordAsync("what was still in flight", cancellationToken);
        narrator.Check("evidence", recorded.EntryClass == EntryClass.Quarantined, $"what the victim still hands in is kept apart: entry {recorded.LedgerIndex}");
    }

    private async Task ExhaustAsync(StopPropagation stop, long askedAt, bool isWaitedFor, CancellationToken cancellationToken)
    {
        var last = _agents.Max(agent => agent.Credential.ExpiresAt);
        // A machine that slept meanwhile wakes up behind that.
        var left = last - run.Clock.GetUtcNow() is { Ticks: > 0 } some ? some : TimeSpan.Zero;
        if (isWaitedFor)
            await FollowAsync(stop.Stop.LedgerIndex, StopLevel.Enforced, StopLevel.Exhausted, askedAt, left + Patience, cancellationToken);
        else
            narrator.Tell("level", $"EXHAUSTED  not before {Instants.FromMilliseconds(last.ToUnixTimeMilliseconds())}, when the last of these credentials has expired");
    }

    // Not to be interrupted: nothing that the drill enrolled may be left usable.
    private async Task RetireAsync()
    {
        if (_agents.Count == 0)
            return;
        foreach (var agent in _agents)
            await TryRetireAsync(agent, async connection => await IsRevokedAsync(connection, agent) || await RevokeAsync(connection, agent));
        var left = 0;
        foreach (var agent in _agents)
            left += await TryRetireAsync(agent, async connection => await IsRevokedAsync(connection, agent) && !(await tool.TryAsync(Gate.Registry, agent, DrillTool.Allowed, CancellationToken.None)).IsAllowed) ? 0 : 1;
        narrator.Check("retire", left == 0, left == 0 ? $"all {_agents.Count} agents are revoked, and none of their credentials is good" : $"{left} of {_agents.Count} agents are not known to be revoked: agentid stops --incident {_id}");
    }

    // Over a connection of its own: what becomes of one leaves no other agent usable. What it came to is checked in the end.
    private async Task<bool> TryRetireAsync(ShadowAgent agent, Func<RegistryConnection, Task<bool>> step)
    {
        try
        {
            using var connection = run.Connect(key);
            return await step(connection);
        }
        catch (Exception failed)
        {
            narrator.Tell("retire", $"{agent.Did}: {Failures.Explain(failed).Message}");
            return false;
        }
    }

    private async Task<bool> RevokeAsync(RegistryConnection connection, ShadowAgent agent)
    {
        var request = new StopRequest { Scope = ScopeText.ToWire(Scope.AgentWithDelegates(agent.Enrolled.AgentId)), State = AgentState.Revoked, Reason = "the drill is over", Incident = _id };
        await connection.Control.StopAsync(request, cancellationToken: CancellationToken.None);
        return true;
    }

    private static async Task<bool> IsRevokedAsync(RegistryConnection connection, ShadowAgent agent) =>
        (await connection.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent.Did }, cancellationToken: CancellationToken.None)).Agent.State == AgentState.Revoked;

    private async Task ExpectAsync(string step, IEnumerable<Gate> gates, ShadowAgent agent, AskedAction action, Refusal expected, string what, CancellationToken cancellationToken)
    {
        foreach (var gate in gates)
        {
            var attempt = await tool.TryAsync(gate, agent, action, cancellationToken);
            narrator.Check(step, attempt.Reason == expected.Name(), $"{Name(gate)}: {what}: {(attempt.IsAllowed ? "let in" : attempt.Reason)}");
        }
    }

    private async Task<bool> AllAsync(IEnumerable<ShadowAgent> agents, Predicate<Attempt> holds, CancellationToken cancellationToken)
    {
        var all = true;
        foreach (var agent in agents)
        {
            foreach (var gate in tool.Gates)
                all &= holds(await tool.TryAsync(gate, agent, DrillTool.Allowed, cancellationToken));
        }
        return all;
    }

    private async Task RefusedAsync(string step, Refusal expected, string what, Func<Task> ask)
    {
        var found = Refusal.None.Name();
        try
        {
            await ask();
        }
        catch (RegistryRefusedException refused)
        {
            found = refused.Reason;
        }
        narrator.Check(step, found == expected.Name(), $"{Name(Gate.Registry)}: {what}: {found}");
    }

    private async Task<RecordedActivity> RecordAsync(string what, CancellationToken cancellationToken)
    {
        using var connection = run.Connect(Victim.Key);
        using var recorder = new ActivityRecorder(connection, Victim.Enrolled.State, Victim.Key, Path.Combine(folder, "chain"), Path.Combine(folder, "salts"));
        return await recorder.RecordAsync([Encoding.UTF8.GetBytes(what)], cancellationToken: cancellationToken);
    }

    private string Name(ShadowAgent agent) => agent == Victim ? "the victim" : "the bystander";

    private static string Name(Gate gate) => gate.ToString().ToLowerInvariant();
}
