using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Watch.Tests.Fixtures;
using Grpc.Core;
using Acknowledgement = AgentIdentity.Credentials.Watching.Acknowledgement;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>The way between a node and its enforcers: what is said is delayed, put in another order, said twice, said again long after, lost, and cut off. It writes down which nonces were answered.</summary>
internal sealed class RoughWay(EnforcedHistory history, ManualClock time, EnforcerSabotage sabotage, int seed) : Between
{
    // Of a hundred messages.
    private const int RoughPerCent = 12;
    private const int DelayMsMax = 60;

    private readonly ConcurrentDictionary<KeyId, Watcher> _watchers = [];
    private readonly Random _random = new(seed);
    private volatile TestNode? _node;

    /// <summary>Who serves; null while nobody does. Whoever watched is cut off.</summary>
    public TestNode? Node
    {
        get => _node;
        set
        {
            _node = value;
            foreach (var watcher in _watchers.Values)
                watcher.Cut();
        }
    }

    public override RegistryNode? Registry => _node?.Node;

    public override DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Whether nothing happens on the way.</summary>
    public bool IsSmooth { get; set; }

    public void Add(int number, PrivateKey key) => _watchers[key.PublicKey.KeyId] = new Watcher(number, key);

    public void Cut(PrivateKey enforcer) => _watchers[enforcer.PublicKey.KeyId].Cut();

    /// <summary>Cuts it off, and lets it come back only when it is let.</summary>
    public void Isolate(PrivateKey enforcer, bool isIsolated)
    {
        var watcher = _watchers[enforcer.PublicKey.KeyId];
        watcher.IsIsolated = isIsolated;
        watcher.Cut();
    }

    public override WatchWish Begin(KeyId enforcer, WatchWish wish) => _watchers[enforcer].IsIsolated ? throw Unavailable() : wish;

    public override EnforcerMessage? Hear(KeyId enforcer, EnforcerMessage message)
    {
        if (message.OfCase == EnforcerMessage.OfOneofCase.Nonce)
            _watchers[enforcer].Heard[CanonicalBase64Url.Encode(message.Nonce.Nonce.Span)] = new TimeSpan(time.GetTimestamp());
        return !IsSmooth && Chance(2) ? null : message;
    }

    public override async IAsyncEnumerable<WatchMessage> SayAsync(KeyId enforcer, IAsyncEnumerable<WatchMessage> messages, [EnumeratorCancellation] CancellationToken ended)
    {
        var watcher = _watchers[enforcer];
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(ended, watcher.Wire);
        var said = new List<WatchMessage>();
        WatchMessage? held = null;
        await foreach (var message in messages.WithCancellation(cut.Token))
        {
            if (sabotage == EnforcerSabotage.SignsWithoutListening && await SignAsync(watcher, message))
                continue;
            if (held is null && IsRough(4))
            {
                held = message;
                continue;
            }
            await foreach (var one in OnTheWayAsync(message, said, cut.Token))
                yield return Handed(watcher, one);
            if (held is { } late)
                yield return Handed(watcher, late);
            held = null;
            said.Add(message);
        }
    }

    private async IAsyncEnumerable<WatchMessage> OnTheWayAsync(WatchMessage message, List<WatchMessage> said, [EnumeratorCancellation] CancellationToken cut)
    {
        if (IsRough(1))
            await Task.Delay(Draw(DelayMsMax), cut);
        yield return message;
        if (IsRough(4))
            yield return message;
        if (said.Count > 0 && IsRough(4))
            yield return said[Draw(said.Count)];
    }

    // Before it is written: the enforcer cannot have had it earlier.
    private WatchMessage Handed(Watcher watcher, WatchMessage message)
    {
        if (message is Heartbeat heartbeat && watcher.Heard.TryGetValue(heartbeat.Note.Split('\n')[3], out var heardAt))
            history.Leases.Enqueue(new Granted(history.Tick(), watcher.Number, heardAt));
        return message;
    }

    // The enforcer's own key, and what it would have signed had it been told.
    private async Task<bool> SignAsync(Watcher watcher, WatchMessage message)
    {
        if (message is not Delta delta || _node is not { } node || watcher.Heard.IsEmpty)
            return false;
        var lines = delta.Note.Split('\n');
        if (lines[6] != "deny" || node.Node.Watch.Watches.Find(node.Node.State.FindCaller(watcher.Key.PublicKey.KeyId)!.Id) is not { } stream)
            return false;
        var nonce = watcher.Heard.MaxBy(heard => heard.Value).Key;
        var signed = new Acknowledgement(
            node.Node.State.Log.Origin, new TreeSize(0), MerkleHash.Empty, ulong.Parse(lines[3], System.Globalization.CultureInfo.InvariantCulture), stream.View.Id, Hash.Read(Convert.FromBase64String(lines[5])), nonce, 0, default, false);
        await node.Node.Watch.AcknowledgeAsync(stream, signed.Sign(watcher.Key, TestNode.Url, Now));
        return true;
    }

    private bool IsRough(int kinds) => !IsSmooth && Chance(RoughPerCent / kinds);

    private bool Chance(int perCent) => Draw(100) < perCent;

    private int Draw(int below)
    {
        lock (_random)
            return _random.Next(below);
    }

    private static RpcException Unavailable() => new(new Status(StatusCode.Unavailable, "Nobody answers."));

    private sealed class Watcher(int number, PrivateKey key)
    {
        private volatile CancellationTokenSource _wire = new();

        public int Number => number;

        public PrivateKey Key => key;

        public bool IsIsolated { get; set; }

        /// <summary>When each nonce came.</summary>
        public ConcurrentDictionary<string, TimeSpan> Heard { get; } = [];

        public CancellationToken Wire => _wire.Token;

        public void Cut()
        {
            var cut = _wire;
            _wire = new CancellationTokenSource();
            cut.Cancel();
        }
    }
}
