using System.Collections.Concurrent;
using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>A real enforcer that is killed and restarts from what it had written down, and whose wall clock is moved.</summary>
internal sealed class HistoryEnforcer : IAsyncDisposable
{
    private const string Url = "https://tool.example/x";
    private const string MemoryFile = "enforcer";
    private static readonly AskedAction Read = new("notes", "read", "notes/1");

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-enforcer-").FullName;
    private readonly EnforcerSabotage _sabotage;
    private readonly EnforcerOptions _options;
    private readonly MovedClock _wall;
    private readonly ConcurrentDictionary<string, ulong> _remembered = [];
    private readonly ConcurrentQueue<EnforcerAlarm> _alarms = [];
    private volatile Life? _life;
    private int _asked;
    private int _lives;

    public HistoryEnforcer(PrivateKey key, string grpcUrl, ManualClock time, EnforcerSabotage sabotage)
    {
        _sabotage = sabotage;
        _wall = new MovedClock(time);
        _options = new EnforcerOptions
        {
            Registry = new ConnectionOptions { GrpcUrl = grpcUrl, PublicUrl = TestNode.Url, Clock = _wall },
            Key = key,
            Audiences = [TestNode.Audience],
            StateFolder = "",
            Alarmed = _alarms.Enqueue,
            BootClock = new HistoryBootClock(time, sabotage == EnforcerSabotage.SleepsThroughLeases),
        };
        Begin(Folder(0));
    }

    public PrivateKey Key => _options.Key;

    /// <summary>What it has said of late, for who asks why it answers as it does.</summary>
    public string LastAlarms => string.Join("; ", _alarms.TakeLast(6).Select(alarm => $"{alarm.Name} {alarm.Detail}"));

    public Task WhenReadyAsync() => _life!.Enforcer.WaitUntilReadyAsync();

    public void MoveWallClock(TimeSpan offset) => _wall.Move(offset);

    /// <summary>What it answers; null while it is dead.</summary>
    public (Refusal Refusal, ulong Epoch)? Decide(PrivateKey agent, string credential, Random random)
    {
        if (_life is not { } life)
            return null;
        if (_sabotage == EnforcerSabotage.RemembersAnswers && _remembered.TryGetValue(credential, out var epoch))
            return (Refusal.None, epoch);
        var decision = life.Sessions.TryGetValue(credential, out var session) && random.Next(2) == 0 ? life.Enforcer.CheckBound(session, Read) : Open(life, agent, credential);
        if (decision.IsAllowed)
            _remembered[credential] = decision.Epoch;
        var isSabotaged = _sabotage == EnforcerSabotage.RefusesStrangers && Interlocked.Increment(ref _asked) % 25 == 0;
        return (isSabotaged ? Refusal.AgentFrozen : decision.Refusal, decision.Epoch);
    }

    /// <summary>Ends it as kill -9 does, whatever it was about to write down, and begins it again.</summary>
    public async Task KillAsync()
    {
        var killed = _life!;
        _life = null;
        var folder = Folder(++_lives);
        Directory.CreateDirectory(folder);
        // It is replaced as a whole: a copy is what a kill at this moment would have left.
        var memory = Path.Combine(killed.Folder, MemoryFile);
        if (File.Exists(memory))
            File.Copy(memory, Path.Combine(folder, MemoryFile));
        await killed.Enforcer.DisposeAsync();
        Begin(folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _life!.Enforcer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        Key.Dispose();
    }

    private string Folder(int life) => Path.Combine(_folder, $"{life}");

    private void Begin(string folder) => _life = new Life(folder, new Enforcer(_options with { StateFolder = folder }), []);

    private Decision Open(Life life, PrivateKey agent, string credential)
    {
        var binding = new RequestBinding("GET", Url, life.Enforcer.Nonces.Current(), Sha256.Hash(Encoding.ASCII.GetBytes(credential)).ToBase64Url());
        // Ahead of whatever the clock was before it was moved: proofs from before a start are stale.
        var proof = KeyProof.Create(agent, binding, _wall.GetUtcNow().AddSeconds(20));
        var decision = life.Enforcer.Open(credential, proof, new RequestBinding("GET", Url), Read, null, out var session);
        if (session is not null)
            life.Sessions[credential] = session;
        return decision;
    }

    private sealed record Life(string Folder, Enforcer Enforcer, ConcurrentDictionary<string, BoundSession> Sessions);
}
