using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Tests;

namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>Plays many callers against one node that loses writes, finds its disk full, is killed, restarts, and has its clock moved; and writes down what each of them saw.</summary>
internal sealed class HistoryRun(int seed, Sabotage sabotage, int callsPerCaller) : IDisposable
{
    private const int Callers = 6;
    private const int Responders = 2;

    // Out of a hundred calls of any caller.
    private const int DisturbancesPerCent = 2;

    private static readonly (string Sponsor, string Blueprint)[] Grants = [("red", "bot/1"), ("blue", "bot/2")];
    private static readonly Fault[] WriteFaults = [Fault.Lost, Fault.DoneButReported];

    private readonly History _history = new();
    private readonly List<HistoryAgent> _agents = [];
    private readonly ConcurrentQueue<LeafIndex> _stops = [];
    private readonly Dictionary<string, string> _tokens = [];

    // Each call holds one; who restarts the node holds all. No call is then under way on a node that has ended.
    private readonly SemaphoreSlim _calls = new(Callers + Responders);
    private readonly SemaphoreSlim _restarting = new(1);
    private TestNode _node = null!;
    private IReadOnlyList<PrivateKey> _operatorKeys = [];
    private string? _oldFolder;
    private int _boot;
    private int _names;

    public async Task<History> PlayAsync()
    {
        _node = await TestNode.FoundAsync();
        _operatorKeys = _node.OperatorKeys;
        foreach (var (sponsor, blueprint) in Grants)
        {
            _tokens[sponsor] = await _node.NewTokenAsync(new TokenWish(sponsor, blueprint, [], Delegations.DeepEnvelope, [TestNode.Audience], 10_000, 0));
            for (var i = 0; i < 2; i++)
                _agents.Add(await EnrolAsync(sponsor, blueprint));
        }
        if (sabotage == Sabotage.RollsBack)
            await RestartAsync(_boot);
        await Task.WhenAll(Enumerable.Range(0, Callers + Responders).Select(observer => Task.Run(() => CallAsync(observer, new Random((seed * 100) + observer)))));
        // A last restart, so that what the folder holds is what is compared, and no fault is left standing.
        await RestartAsync(_boot);
        _history.Ledger = _node.Bodies();
        await _node.DisposeAsync();
        return _history;
    }

    public void Dispose()
    {
        _calls.Dispose();
        _restarting.Dispose();
        _agents.ForEach(agent => agent.Dispose());
    }

    private async Task CallAsync(int observer, Random random)
    {
        for (var call = 0; call < callsPerCaller; call++)
        {
            var boot = _boot;
            var isHalted = await HoldingAsync(() => observer < Callers ? ActAsync(observer, random) : RespondAsync(observer, random));
            if (isHalted)
                await RestartAsync(boot);
            else if (random.Next(100) < DisturbancesPerCent)
                await DisturbAsync(random);
        }
    }

    private async Task<bool> HoldingAsync(Func<Task<bool>> call)
    {
        await _calls.WaitAsync();
        try
        {
            return await call();
        }
        finally
        {
            _calls.Release();
        }
    }

    private async Task<bool> ActAsync(int observer, Random random)
    {
        var (node, boot, agent) = (_node, _boot, _agents[random.Next(_agents.Count)]);
        var act = random.Next(100) switch { < 50 => Act.Verify, < 61 => Act.Issue, < 71 => Act.Renew, < 87 => Act.Record, < 95 => Act.Delegate, _ => Act.Enrol };
        var held = act is Act.Verify or Act.Delegate ? agent.Choose(random) : new(agent.Credential, []);
        var party = agent.PartyWith(held.Credential);
        Party? receiver = null;
        var began = _history.Tick();
        (Refusal Refusal, LeafIndex? Index)? seen;
        switch (act)
        {
            case Act.Verify:
                seen = (node.Verify(agent.At(node).Use(held.Credential.Token)), null);
                break;
            case Act.Issue:
                seen = await agent.IssueAsync(node);
                break;
            case Act.Renew:
                seen = await agent.RenewAsync(node);
                break;
            case Act.Delegate:
                var child = _agents.Where(other => other != agent).ElementAt(random.Next(_agents.Count - 1));
                receiver = child.PartyWith(null);
                seen = await agent.DelegateAsync(node, held, child);
                break;
            case Act.Record:
                seen = await agent.RecordAsync(node);
                break;
            default:
                (party, seen) = await EnrolStrangerAsync(node, agent);
                break;
        }
        if (seen is { } answer)
            _history.Acts.Enqueue(new Acted(_history.Since(began, boot, observer), act, party, answer.Refusal, answer.Index) { Above = held.Above, Receiver = receiver });
        ReadEpoch(node, boot, observer);
        return seen?.Refusal == Refusal.RegistryHalted;
    }

    private async Task<bool> RespondAsync(int observer, Random random)
    {
        var (node, boot) = (_node, _boot);
        var refusal = random.Next(100) < 55 || _stops.IsEmpty ? await StopAsync(node, boot, observer, random) : await RestoreAsync(node, boot, observer, random);
        ReadEpoch(node, boot, observer);
        return refusal == Refusal.RegistryHalted;
    }

    private async Task<Refusal> StopAsync(TestNode node, int boot, int observer, Random random)
    {
        var agent = _agents[random.Next(_agents.Count)];
        var scope = random.Next(12) switch
        {
            < 4 => Scope.Agent(agent.Id),
            4 => Scope.AgentWithDelegates(agent.Id),
            5 or 6 => Scope.Key(agent.KeyId),
            7 => new Scope(ScopeKind.Sponsor, agent.Sponsor),
            8 => new Scope(ScopeKind.Blueprint, agent.Blueprint),
            9 => Scope.Credential(agent.Credential.Claims.Jti),
            10 => new Scope(ScopeKind.Audience, TestNode.Audience),
            _ => Scope.Everything,
        };
        // Only a key is ever revoked: it is final, and the rest shall live to be stopped again.
        var state = random.Next(10) switch { 0 when scope.Kind == ScopeKind.Credential => StandingState.Revoked, < 3 => StandingState.Restricted, _ => StandingState.Frozen };
        var name = $"s{Interlocked.Increment(ref _names)}";
        var began = _history.Tick();
        var stopped = await node.Node.Stopping.StopAsync(node.Operator, new StopWish(scope, state, "odd calls", name));
        if (!stopped.IsRefused)
        {
            Break(node, stopped.Value.Index, agent);
            _stops.Enqueue(stopped.Value.Index);
        }
        _history.Stops.Enqueue(new StopAsked(_history.Since(began, boot, observer), name, scope, state, stopped.Refusal, stopped.IsRefused ? default : stopped.Value.Index, stopped.IsRefused ? 0 : stopped.Value.Epoch));
        return stopped.Refusal;
    }

    private async Task<Refusal> RestoreAsync(TestNode node, int boot, int observer, Random random)
    {
        // All stops of the scope that are known, since a restore that misses one is refused; now and then one alone.
        var known = _stops.ToArray();
        var one = node.Node.State.Stops.Find(known[random.Next(known.Length)]);
        if (one is not { IsInForce: true } || one.Denial.State == StandingState.Revoked)
            return Refusal.StopUnknown;
        LeafIndex[] stops = random.Next(4) == 0
            ? [one.Denial.Index]
            : [.. node.Node.State.Stops.Of(one.Denial.Scope).Where(stop => stop.IsInForce && stop.Denial.State != StandingState.Revoked).Select(stop => stop.Denial.Index)];
        if (stops.Length == 0)
            return Refusal.StopUnknown;
        var began = _history.Tick();
        var restored = await node.RestoreAsync(stops);
        _history.Restores.Enqueue(new RestoreAsked(_history.Since(began, boot, observer), stops, restored.Refusal, restored.IsRefused ? default : restored.Value.Index, restored.IsRefused ? 0 : restored.Value.Epoch));
        return restored.Refusal;
    }

    private void ReadEpoch(TestNode node, int boot, int observer)
    {
        var began = _history.Tick();
        var epoch = node.Node.State.Epoch;
        _history.Epochs.Enqueue(new EpochRead(_history.Since(began, boot, observer), epoch));
    }

    private async Task<(Party Party, (Refusal Refusal, LeafIndex? Index) Seen)> EnrolStrangerAsync(TestNode node, HistoryAgent like)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = await node.EnrollAsync(key, _tokens[like.Sponsor]);
        return (new Party(default, key.PublicKey.KeyId, like.Sponsor, like.Blueprint, null), (enrolled.Refusal, enrolled.IsRefused ? null : new LeafIndex(enrolled.Value.Credential.Claims.LedgerIndex)));
    }

    private async Task<HistoryAgent> EnrolAsync(string sponsor, string blueprint)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = TestNode.Good(await _node.EnrollAsync(key, _tokens[sponsor]));
        return new HistoryAgent(key, enrolled.Agent.Id, sponsor, blueprint, enrolled.Credential);
    }

    private async Task DisturbAsync(Random random)
    {
        var (node, boot) = (_node, _boot);
        switch (random.Next(6))
        {
            case 0 or 1:
                node.Store.OnReserve = random.Next(4) == 0 ? Fault.Full : Fault.None;
                node.Store.OnAppend = node.Store.OnAppend == Fault.Full ? Fault.None : Fault.Full;
                break;
            case 2:
                node.Store.FailLater(random.Next(3), WriteFaults[random.Next(WriteFaults.Length)]);
                break;
            case 3:
                await RestartAsync(boot);
                break;
            case 4:
                node.Clock.SetBack(TimeSpan.FromMilliseconds(random.Next(3000)));
                break;
            default:
                node.Clock.Advance(TimeSpan.FromMilliseconds(random.Next(3000)));
                break;
        }
    }

    // Ends the node in order, or as a kill leaves it when a write has failed: nothing more is written then.
    private async Task RestartAsync(int boot)
    {
        await _restarting.WaitAsync();
        try
        {
            if (boot != _boot)
                return;
            for (var i = 0; i < Callers + Responders; i++)
                await _calls.WaitAsync();
            try
            {
                await ReopenAsync();
            }
            finally
            {
                _calls.Release(Callers + Responders);
            }
        }
        finally
        {
            _restarting.Release();
        }
    }

    private async Task ReopenAsync()
    {
        var (folder, clock) = (_node.Folder, _node.Clock);
        await _node.DisposeAsync();
        if (sabotage == Sabotage.RollsBack)
            folder = SwapFolder(folder);
        _node = TestNode.Open(folder, clock);
        _node.OperatorKeys = _operatorKeys;
        if (sabotage == Sabotage.ForgetsAtStart)
        {
            foreach (var stop in _node.Node.State.Stops.InForce)
                _node.Node.State.Stops.DenyState.Remove(stop.Denial);
        }
        _boot++;
    }

    private void Break(TestNode node, LeafIndex index, HistoryAgent agent)
    {
        var denial = node.Node.State.Stops.Find(index)!.Denial;
        if (sabotage == Sabotage.ForgetsStops)
            node.Node.State.Stops.DenyState.Remove(denial);
        else if (sabotage == Sabotage.StopsAnother)
            node.Node.State.Stops.DenyState.Add(denial with { Scope = Scope.Agent(_agents.First(other => other != agent).Id) });
    }

    // Copies the folder the first time, and goes on from the copy ever after.
    private string SwapFolder(string folder)
    {
        if (_oldFolder is not null)
            return _oldFolder;
        _oldFolder = Folders.Copy(folder, TestNode.NewFolder());
        return folder;
    }
}
