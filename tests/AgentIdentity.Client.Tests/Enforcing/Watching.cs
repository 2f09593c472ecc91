using AgentIdentity.Client.Enforcing;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Watch;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>A boot clock that stands until it is moved.</summary>
internal sealed class ManualBootClock : BootClock
{
    private long _now = 1_000_000;

    public override long Milliseconds => Volatile.Read(ref _now);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _now, (long)time.TotalMilliseconds);
}

/// <summary>What one enforcer has learnt by the watch, without a connection: messages are handed to it.</summary>
internal sealed class Watching
{
    public static readonly SubjectId Agent = ScriptedRegistry.Id(100);
    private static readonly PrivateKey Key = PrivateKey.Generate(KeyAlgorithm.ES256);

    public Watching(ManualTime clock, EnforcerState? state = null, Func<EnforcerOptions, EnforcerOptions>? change = null)
    {
        var options = new EnforcerOptions
        {
            Registry = new ConnectionOptions { GrpcUrl = "http://127.0.0.1:1", PublicUrl = FakeRegistry.PublicUrl, Clock = clock },
            Key = Key,
            Audiences = [ScriptedRegistry.Audience],
            StateFolder = "",
            BootClock = Boot,
        };
        Lease = new Lease(Boot);
        Watched = new Watched(change?.Invoke(options) ?? options, FakeRegistry.Name, Stops, Lease, state ?? new EnforcerState(), (kind, detail) => Alarms.Add(new EnforcerAlarm(kind, detail, clock.GetUtcNow())))
        {
            Denied = Denied.Add,
            FindAccepted = item => Accepted.Where(accepted => accepted.Item == item).Select(accepted => (accepted.Jti, accepted.ExpiresAt)),
        };
    }

    public ManualBootClock Boot { get; } = new();

    public HeldStops Stops { get; } = new();

    public Lease Lease { get; }

    public Watched Watched { get; }

    public List<EnforcerAlarm> Alarms { get; } = [];

    public List<Denial> Denied { get; } = [];

    public List<(Hash Item, SubjectId Jti, long ExpiresAt)> Accepted { get; } = [];

    public IEnumerable<EnforcerAlarmKind> AlarmKinds => Alarms.Select(alarm => alarm.Kind);

    public bool HasLease => Lease.Remaining(10_000) > 0;

    /// <summary>A connection with greeting, snapshot and a first heartbeat.</summary>
    public static Watching Live(ScriptedRegistry registry, ManualTime clock, EnforcerState? state = null, Func<EnforcerOptions, EnforcerOptions>? change = null)
    {
        var watching = new Watching(clock, state, change);
        watching.Connect(registry);
        Assert.Equal(WatchStep.Acknowledge, watching.Beat(registry));
        return watching;
    }

    public void Connect(ScriptedRegistry registry)
    {
        Watched.Begin();
        Assert.Equal(WatchStep.Next, Watched.Take(registry.Greeting()));
        Assert.Equal(WatchStep.Next, Watched.Take(registry.Snapshot()));
    }

    public WatchStep Beat(ScriptedRegistry registry) => Watched.Take(registry.Heartbeat(Watched.NextNonce()));

    public void TickAfter(TimeSpan time)
    {
        Boot.Advance(time);
        Watched.Tick();
    }

    public bool Refuses(Scope scope) => Stops.DenyState.Of(ActorOf(scope)).State > StandingState.Active;

    public static Actor ActorOf(Scope scope) => new(scope.IsAgent ? scope.Id : Agent, scope.Kind == ScopeKind.Key ? scope.KeyId : default, "", "", []);
}
