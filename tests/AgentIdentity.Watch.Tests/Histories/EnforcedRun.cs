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
/// Plays callers at two enforcers, a responder and an observer at the node behind them, and somebody who disturbs: node and enforcers are killed and restart, writes are lost, the disk is
/// full, the way between is rough, wall clocks are moved and time jumps. True time goes ten times as fast as the machine's while they play, so that leases end.
/// </summary>
internal sealed class EnforcedRun(int seed, EnforcerSabotage sabotage, TimeSpan length)
{
    /// <summary>What the registry grants.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private const int Enforcers = 2;
    private const int Callers = 3;

    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(20);
    private static readonly Fault[] WriteFaults = [Fault.Lost, Fault.DoneButReported];
    private static readonly string[] Sponsors = ["red", "blue"];

    private readonly EnforcedHistory _history = new();
    private readonly List<HistoryEnforcer> _enforcers = [];
    private readonly List<(TestAgent Agent, Party Party)> _agents = [];
    private readonly Dictionary<SubjectId, int> _numbers = [];

    // The responder and the observer hold a place at the node each; who restarts it holds both.
    private readonly SemaphoreSlim _places = new(2);
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
                .Append(Task.Run(() => RespondAsync(NewRandom(10)))).Append(Task.Run(ObserveAsync)).Append(Task.Run(() => DisturbAsync(NewRandom(11)))).ToArray();
            await Task.Delay(length);
            _isOver = true;
            await Task.WhenAll(actors);
            await SettleAsync();
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
            var token = await _node.NewTokenAsync(new TokenWish(sponsor, "bot/1", [], TestNode.Envelope, [TestNode.Audience], 2, 0));
            for (var i = 0; i < 2; i++)
            {
                var agent = await _node.EnrollAsync(token);
                _agents.Add((agent, new Party(agent.Id, agent.KeyId, sponsor, "bot/1", null)));
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
            Decide(random.Next(Enforcers), _agents[random.Next(_agents.Count)], observer, random);
        }
    }

    private Refusal? Decide(int number, (TestAgent Agent, Party Party) asked, int observer, Random random)
    {
        var (began, beganAt) = (_history.Tick(), new TimeSpan(_node.Clock.GetTimestamp()));
        if (_enforcers[number].Decide(asked.Agent, random) is not { } answer)
            return null;
        _history.Decisions.Enqueue(new Decided(_history.Since(began, _boot, observer), number, asked.Party, answer.Refusal, beganAt, answer.Epoch));
        return answer.Refusal;
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
        var party = _agents[random.Next(_agents.Count)].Party;
        var scope = random.Next(10) switch
        {
            < 5 => Scope.Agent(party.Agent),
            5 or 6 => Scope.Key(party.Key),
            7 => new Scope(ScopeKind.Sponsor, party.Sponsor),
            8 => new Scope(ScopeKind.Audience, TestNode.Audience),
            _ => Scope.Everything,
        };
        var (name, state) = ($"s{++_names}", random.Next(4) == 0 ? StandingState.Restricted : StandingState.Frozen);
        var began = _history.Tick();
        var stopped = await _node.Node.Stopping.StopAsync(_node.Operator, new StopWish(scope, state, "odd calls", name));
        _history.Stops.Enqueue(new StopAsked(_history.Since(began, _boot), name, scope, state, stopped.Refusal, stopped.IsRefused ? default : stopped.Value.Index, stopped.IsRefused ? 0 : stopped.Value.Epoch));
        return stopped.Refusal;
    }

    private async Task<Refusal> RestoreAsync(Random random)
    {
        var inForce = _node.Node.State.Stops.InForce.ToArray();
        if (inForce.Length == 0)
            return Refusal.None;
        var scope = inForce[random.Next(inForce.Length)].Denial.Scope;
        LeafIndex[] stops = [.. inForce.Where(stop => stop.Denial.Scope == scope).Select(stop => stop.Denial.Index)];
        var began = _history.Tick();
        var restored = await _node.RestoreAsync(stops);
        _history.Restores.Enqueue(new RestoreAsked(_history.Since(began, _boot), stops, restored.Refusal, restored.IsRefused ? default : restored.Value.Index, restored.IsRefused ? 0 : restored.Value.Epoch));
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
                    _history.Reports.Enqueue(new Enforced(moment, stop.Denial.Index, stop.Denial.Scope, _numbers[enforcer.Enforcer.Id]));
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
                await DisturbAsync(_enforcers[random.Next(Enforcers)], random);
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
                _node.Store.FailLater(random.Next(3), WriteFaults[random.Next(WriteFaults.Length)]);
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
        await _places.WaitAsync();
        await _places.WaitAsync();
        _way.Node = null;
        await _node.DisposeAsync();
        var keys = _node.OperatorKeys;
        _node = TestNode.Open(_node.Folder, _node.Clock);
        _node.OperatorKeys = keys;
        _boot++;
        _isHalted = false;
        _way.Node = _node;
        _places.Release(2);
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
        var inForce = _node.Node.State.Stops.InForce.ToArray();
        foreach (var asked in _agents)
        {
            var isStopped = inForce.Any(stop => EnforcedModel.Covers(stop.Denial.Scope, asked.Party));
            for (var number = 0; number < Enforcers; number++)
            {
                var answer = Decide(number, asked, Callers, random);
                if (isStopped ? answer is null or Refusal.None or Refusal.LeaseOver : answer != Refusal.None)
                    yield return $"After all faults enforcer {number} answers {answer} to {asked.Party}, and the ledger says that it is {(isStopped ? "stopped" : "not stopped")}: {_enforcers[number].LastAlarms}";
            }
        }
    }

    private Random NewRandom(int actor) => new((seed * 100) + actor);
}
