using System.Diagnostics;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Tests.Histories;
using AgentIdentity.Watch.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>
/// Plays callers at two enforcers, agents that have themselves issued credentials and pass them on at the node behind them, a responder and an observer there, and somebody who disturbs: node and enforcers are killed and restart, writes are lost, the disk is
/// full, the way between is rough, wall clocks are moved and time jumps. True time goes ten times as fast as the machine's while they play, so that leases end.
/// </summary>
internal sealed class EnforcedRun(int seed, EnforcerSabotage sabotage, TimeSpan length)
{
    /// <summary>What the registry grants.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private const int Enforcers = 2;
    private const int Callers = 3;

    // The agents' own side, the responder and the observer hold a place at the node each; who restarts it holds all.
    private const int Places = 3;

    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(20);
    private static readonly Fault[] WriteFaults = [Fault.Lost, Fault.DoneButReported];
    private static readonly string[] Sponsors = ["red", "blue"];
    private static readonly Act[] Mints = [Act.Issue, Act.Renew, Act.Delegate, Act.Delegate];

    private readonly EnforcedHistory _history = new();
    private readonly List<HistoryEnforcer> _enforcers = [];
    private readonly List<HistoryAgent> _agents = [];
    private readonly Dictionary<SubjectId, int> _numbers = [];

    private readonly SemaphoreSlim _places = new(Places);
    private TestNode _node = null!;
    private RoughWay _way = null!;
    private int _boot;
    private int _names;
    private volatile int _speed = 10;
    private volatile bool _isHalted;
    private volatile bool _isOver;

    public async Task<EnforcedHistory> PlayAsync()
    {
        _node = await TestNode.FoundByTwoAsync();
        using var ended = new CancellationTokenSource();
        var time = PassTimeAsync(_node.Clock, ended.Token);
        _way = new RoughWay(_history, _node.Clock, sabotage, seed) { Node = _node };
        await using (var desk = await WatchDesk.OpenAsync(_way))
        {
            // A nonce that is lost now would be missed by an enforcer whose clock stands still for ever.
            _way.IsSmooth = true;
            await PrepareAsync(desk.GrpcUrl);
            _way.IsSmooth = false;
            var actors = Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller, NewRandom(caller))))
                .Append(Task.Run(() => MintAsync(NewRandom(9)))).Append(Task.Run(() => RespondAsync(NewRandom(10)))).Append(Task.Run(ObserveAsync)).Append(Task.Run(() => DisturbAsync(NewRandom(11)))).ToArray();
            await Task.Delay(length);
            _isOver = true;
            await Task.WhenAll(actors);
            await SettleAsync();
            _history.Node.Ledger = _node.Bodies();
            foreach (var enforcer in _enforcers)
                await enforcer.DisposeAsync();
            _way.Node = null;
        }
        await ended.CancelAsync();
        await time;
        await _node.DisposeAsync();
        Directory.Delete(_node.Folder, recursive: true);
        return _history;
    }

    // By steps: on a machine that has no time for us, time goes slower.
    private async Task PassTimeAsync(ManualClock clock, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            await Task.Delay(Beat, CancellationToken.None);
            clock.Advance(Beat * _speed);
        }
    }

    private async Task PrepareAsync(string url)
    {
        foreach (var sponsor in Sponsors)
        {
            var token = await _node.NewTokenAsync(new TokenWish(sponsor, "bot/1", [], Delegations.DeepEnvelope, [TestNode.Audience], 2, 0));
            for (var i = 0; i < 2; i++)
            {
                var key = PrivateKey.Generate(KeyAlgorithm.ES256);
                var enrolled = TestNode.Good(await _node.EnrollAsync(key, token));
                _agents.Add(new HistoryAgent(key, enrolled.Agent.Id, sponsor, "bot/1", enrolled.Credential));
            }
        }
        for (var number = 0; number < Enforcers; number++)
        {
            var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
            var caller = TestNode.Good(await _node.Node.Operating.RegisterCallerAsync(_node.Operator, CallerRole.Enforcer, $"gateway {number}", key.PublicKey, [TestNode.Audience])).Caller;
            _numbers.Add(caller.Id, number);
            _way.Add(number, key);
            _enforcers.Add(new HistoryEnforcer(key, url, _node.Clock, sabotage));
        }
        await Task.WhenAll(_enforcers.Select(enforcer => enforcer.WhenReadyAsync().WaitAsync(TestNode.Patience)));
    }

    private async Task CallAsync(int observer, Random random)
    {
        while (!_isOver)
        {
            await Task.Delay(random.Next(2, 20));
            var agent = AnyOf(_agents, random);
            Decide(random.Next(Enforcers), agent, agent.Choose(random), observer, random);
        }
    }

    private Refusal? Decide(int number, HistoryAgent agent, HeldCredential shown, int observer, Random random)
    {
        var (began, beganAt) = (_history.Tick(), new TimeSpan(_node.Clock.GetTimestamp()));
        if (_enforcers[number].Decide(agent.Key, shown.Credential.Token, random) is not { } answer)
            return null;
        _history.Decisions.Enqueue(new Decided(_history.Since(began, _boot, observer), number, agent.PartyWith(shown.Credential), answer.Refusal, beganAt, answer.Epoch) { Above = shown.Above });
        return answer.Refusal;
    }

    private async Task MintAsync(Random random)
    {
        while (!_isOver)
        {
            await Task.Delay(random.Next(10, 60));
            await _places.WaitAsync();
            var refusal = await MintAsync(AnyOf(_agents, random), random);
            _isHalted |= refusal == Refusal.RegistryHalted;
            _places.Release();
        }
    }

    private async Task<Refusal> MintAsync(HistoryAgent agent, Random random)
    {
        var (act, receiver) = (AnyOf(Mints, random), AnyOf(_agents, random));
        var held = act == Act.Delegate ? agent.Choose(random) : new(agent.Credential, []);
        var began = _history.Tick();
        var (refusal, index) = await (act switch
        {
            Act.Issue => agent.IssueAsync(_node),
            Act.Renew => agent.RenewAsync(_node),
            _ => agent.DelegateAsync(_node, held, receiver),
        });
        _history.Node.Acts.Enqueue(new Acted(_history.Since(began, _boot), act, agent.PartyWith(held.Credential), refusal, index) { Above = held.Above, Receiver = receiver.PartyWith(null) });
        return refusal;
    }

    private async Task RespondAsync(Random random)
    {
        while (!_isOver)
        {
            await Task.Delay(random.Next(30, 120));
            await _places.WaitAsync();
            var refusal = random.Next(100) < 55 ? await StopAsync(random) : await RestoreAsync(random);
            _isHalted |= refusal == Refusal.RegistryHalted;
            _places.Release();
        }
    }

    private async Task<Refusal> StopAsync(Random random)
    {
        var agent = AnyOf(_agents, random);
        var scope = random.Next(12) switch
        {
            < 4 => Scope.Agent(agent.Id),
            4 or 5 => Scope.AgentWithDelegates(agent.Id),
            6 or 7 => Scope.Key(agent.KeyId),
            8 => new Scope(ScopeKind.Sponsor, agent.Sponsor),
            9 => Scope.Credential(agent.Choose(random).Credential.Claims.Jti),
            10 => new Scope(ScopeKind.Audience, TestNode.Audience),
            _ => Scope.Everything,
        };
        var (name, state) = ($"s{++_names}", random.Next(4) == 0 ? StandingState.Restricted : StandingState.Frozen);
        var began = _history.Tick();
        var stopped = await _node.Node.Stopping.StopAsync(_node.Operator, new StopWish(scope, state, "odd calls", name));
        _history.Node.Stops.Enqueue(new StopAsked(_history.Since(began, _boot), name, scope, state, stopped.Refusal, stopped.IsRefused ? default : stopped.Value.Index, stopped.IsRefused ? 0 : stopped.Value.Epoch));
        return stopped.Refusal;
    }

    private async Task<Refusal> RestoreAsync(Random random)
    {
        var inForce = _node.Node.State.Stops.InForce.ToArray();
        if (inForce.Length == 0)
            return Refusal.None;
        var scope = AnyOf(inForce, random).Denial.Scope;
        LeafIndex[] stops = [.. inForce.Where(stop => stop.Denial.Scope == scope).Select(stop => stop.Denial.Index)];
        var began = _history.Tick();
        var restored = await _node.RestoreAsync(stops);
        _history.Node.Restores.Enqueue(new RestoreAsked(_history.Since(began, _boot), stops, restored.Refusal, restored.IsRefused ? default : restored.Value.Index, restored.IsRefused ? 0 : restored.Value.Epoch));
        return restored.Refusal;
    }

    private async Task ObserveAsync()
    {
        var seen = new HashSet<(LeafIndex Stop, int Enforcer)>();
        while (!_isOver)
        {
            await Task.Delay(10);
            await _places.WaitAsync();
            foreach (var stop in _node.Node.State.Stops.InForce)
            {
                var began = _history.Tick();
                var report = _node.Node.Propagation.Of(stop.Denial.Index).Value.Stops[0];
                var moment = _history.Since(began, _boot);
                foreach (var enforcer in report.Enforcers.Where(enforcer => enforcer.IsDone && seen.Add((stop.Denial.Index, _numbers[enforcer.Enforcer.Id]))))
                    _history.Reports.Enqueue(new Enforced(moment, stop.Denial.Index, stop.Incident, _numbers[enforcer.Enforcer.Id]));
            }
            _places.Release();
        }
    }

    private async Task DisturbAsync(Random random)
    {
        while (!_isOver)
        {
            await Task.Delay(random.Next(40, 160));
            if (_isHalted)
                await RestartAsync();
            else
                await DisturbAsync(AnyOf(_enforcers, random), random);
        }
    }

    private async Task DisturbAsync(HistoryEnforcer enforcer, Random random)
    {
        switch (random.Next(12))
        {
            case 0 or 1:
                _way.Cut(enforcer.Key);
                break;
            case 2:
                _way.Isolate(enforcer.Key, isIsolated: true);
                break;
            case 3 or 4:
                _enforcers.ForEach(other => _way.Isolate(other.Key, isIsolated: false));
                break;
            case 5:
                await enforcer.KillAsync();
                break;
            case 6:
                await RestartAsync();
                break;
            case 7:
                _node.Store.FailLater(random.Next(3), AnyOf(WriteFaults, random));
                break;
            case 8:
                _node.Store.OnAppend = _node.Store.OnAppend == Fault.Full ? Fault.None : Fault.Full;
                break;
            case 9:
                enforcer.MoveWallClock(TimeSpan.FromMilliseconds(random.Next(-4000, 4000)));
                break;
            case 10:
                _node.Clock.SetBack(TimeSpan.FromMilliseconds(random.Next(1000)));
                break;
            default:
                _node.Clock.Advance(TimeSpan.FromMilliseconds(random.Next(8000)));
                break;
        }
    }

    // In order, or as a kill leaves it when a write has failed: nothing more is written then.
    private async Task RestartAsync()
    {
        for (var place = 0; place < Places; place++)
            await _places.WaitAsync();
        _way.Node = null;
        await _node.DisposeAsync();
        var keys = _node.OperatorKeys;
        _node = TestNode.Open(_node.Folder, _node.Clock);
        _node.OperatorKeys = keys;
        _boot++;
        _isHalted = false;
        _way.Node = _node;
        _places.Release(Places);
    }

    // No more faults: what the ledger says is what all enforcers answer, after a while.
    private async Task SettleAsync()
    {
        _way.IsSmooth = true;
        await RestartAsync();
        foreach (var enforcer in _enforcers)
        {
            enforcer.MoveWallClock(TimeSpan.Zero);
            _way.Isolate(enforcer.Key, isIsolated: false);
        }
        // What is broken on purpose does not settle.
        var settleMax = sabotage == EnforcerSabotage.None ? SettleMax : TimeSpan.Zero;
        var unsettled = await UnsettledAfterAsync(settleMax);
        if (unsettled.Length > 0)
        {
            // A crowded machine may take longer to answer than a lease lasts, which is a second of its own time.
            _speed = 1;
            unsettled = await UnsettledAfterAsync(2 * settleMax);
        }
        foreach (var sentence in unsettled)
            _history.Unsettled.Enqueue(sentence);
    }

    private async Task<string[]> UnsettledAfterAsync(TimeSpan patience)
    {
        var (began, random) = (Stopwatch.GetTimestamp(), NewRandom(12));
        string[] unsettled;
        while ((unsettled = [.. Unsettled(random)]).Length > 0 && Stopwatch.GetElapsedTime(began) < patience)
            await Task.Delay(50);
        return unsettled;
    }

    private IEnumerable<string> Unsettled(Random random)
    {
        foreach (var (agent, held) in _agents.SelectMany(agent => agent.Held.Select(held => (agent, held))))
        {
            var expected = Verify(agent, held);
            for (var number = 0; number < Enforcers; number++)
            {
                if (Decide(number, agent, held, Callers, random) is var answer && answer != expected)
                    yield return $"After all faults enforcer {number} answers {answer} to {agent.PartyWith(held.Credential)}, and the registry {expected}: {_enforcers[number].LastAlarms}";
            }
        }
    }

    private Refusal Verify(HistoryAgent agent, HeldCredential held)
    {
        var began = _history.Tick();
        var refusal = _node.Verify(agent.At(_node).Use(held.Credential.Token));
        _history.Node.Acts.Enqueue(new Acted(_history.Since(began, _boot), Act.Verify, agent.PartyWith(held.Credential), refusal, null) { Above = held.Above });
        return refusal;
    }

    private static T AnyOf<T>(IReadOnlyList<T> all, Random random) => all[random.Next(all.Count)];

    private Random NewRandom(int actor) => new((seed * 100) + actor);
}
