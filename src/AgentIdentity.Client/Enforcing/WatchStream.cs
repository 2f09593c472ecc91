using System.Security.Cryptography;
using System.Threading.Channels;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Protocol.V1;
using Acknowledgement = AgentIdentity.Protocol.V1.Acknowledgement;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Client.Enforcing;

/// <summary>Keeps the watch for as long as it is not disposed of: connects, hands each message to <see cref="Watched"/>, asks for heartbeats, acknowledges, and writes down what must survive.</summary>
internal sealed class WatchStream : IAsyncDisposable
{
    // Messages that wait to be sent; a registry that takes none for so long is not one to wait for.
    private const int OutboxMax = 1024;

    // Heartbeats in one lease: two may be lost.
    private const int BeatsPerLease = 3;

    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TickMax = TimeSpan.FromMilliseconds(250);

    // A disk that is full now has room again when somebody has seen to it.
    private static readonly TimeSpan WriteAgain = TimeSpan.FromSeconds(5);

    // However short the lease: a greeting may wait for a checkpoint.
    private const long SilenceMinMilliseconds = 5000;

    // Whoever makes up key ids can make us greet the registry again, and not more often than this.
    private const long KeysAgainMilliseconds = 30_000;

    private readonly EnforcerOptions _options;
    private readonly RegistryConnection _connection;
    private readonly EnforcerParts _parts;
    private readonly HeldProbes _probes;
    private readonly EnforcerMemory _memory;
    private readonly Action<EnforcerAlarmKind, string> _alarm;
    private readonly CancellationTokenSource _end = new();
    private readonly Channel<EnforcerState> _states = Channel.CreateBounded<EnforcerState>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One thread at a time has what is watched.
    private readonly Lock _turn = new();
    private readonly Watched _watched;
    private readonly List<Denial> _newDenials = [];
    private RevokerOutcome[] _revoked = [];
    private readonly HashSet<string> _seenOrders = new(StringComparer.Ordinal);
    private Credentials.Keys.PublicKey? _ordersKey;
    private Connected? _connected;
    private long _beatAt = long.MinValue;
    private long _heardAt;
    private long _keysAgainAt = long.MinValue;
    private bool _hadLease;
    private volatile bool _wantsKeys;
    private Task _work = Task.CompletedTask;

    public WatchStream(EnforcerOptions options, RegistryConnection connection, EnforcerParts parts, HeldProbes probes, EnforcerMemory memory, Action<EnforcerAlarmKind, string> alarm)
    {
        (_options, _connection, _parts, _probes, _memory, _alarm) = (options, connection, parts, probes, memory, alarm);
        try
        {
            _watched = new Watched(options, connection.Name, parts.Stops, parts.Lease, memory.Read(), alarm)
            {
                Denied = _newDenials.Add,
                FindAccepted = parts.Accepted.TakeUnlogged,
                Probed = probes.Hold,
            };
        }
        catch (InvalidDataException problem)
        {
            throw memory.Damaged(problem.Message);
        }
    }

    /// <summary>Once, when whoever made it is ready to be asked about probes.</summary>
    public void Start() => _work = Task.WhenAll(Task.Run(ConnectAsync), Task.Run(TickAsync), Task.Run(WriteDownAsync));

    public Watched Watched => _watched;

    /// <summary>Done when the first lease was granted.</summary>
    public Task Ready => _ready.Task;

    /// <summary>A credential names a key that nobody has told us of: a new one, or none.</summary>
    public void WantKeys() => _wantsKeys = true;

    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
            return;
        await _end.CancelAsync().ConfigureAwait(false);
        _ready.TrySetCanceled();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ConnectAsync()
    {
        var pause = PauseMin;
        while (!_end.IsCancellationRequested)
        {
            var began = _options.BootClock.Milliseconds;
            try
            {
                await WatchAsync().ConfigureAwait(false);
            }
            catch (RegistryRefusedException refused) when (refused.Refusal is Refusal.ProofStale or Refusal.WatchOutdated)
            {
                // The proof was made in the second in which the registry started, which takes none of that second; or there is something to be told that only a greeting tells. The next try is good.
            }
            catch (RegistryRefusedException refused)
            {
                var isOtherLog = refused.Refusal is Refusal.RolledBack or Refusal.CheckpointNotOurs;
                _alarm(isOtherLog ? EnforcerAlarmKind.RegistryRolledBack : EnforcerAlarmKind.WatchRefused, $"The registry refuses the watch: {refused.Message}");
            }
            catch (Exception failure) when (failure is RpcException or OperationCanceledException or IOException or InvalidOperationException)
            {
                // The registry is away, or this stream was ended: the lease says how long that may last, and its end is an alarm.
            }
            catch (Exception failure)
            {
                // A bug. Without a watch the lease runs out and everybody is refused; people are told why, and it is tried again.
                _alarm(EnforcerAlarmKind.WatchFailed, failure.ToString());
            }
            // Whoever had a stream for a while comes back at once; the others leave the registry room.
            pause = _options.BootClock.Milliseconds - began > PauseMax.TotalMilliseconds ? PauseMin : TimeSpan.FromTicks(Math.Min(PauseMax.Ticks, pause.Ticks * 2));
            var jitter = RandomNumberGenerator.GetInt32(50, 150) / 100.0;
            await Task.Delay(pause * jitter, _options.Registry.Clock, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WatchAsync()
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        using var call = _connection.Access.Watch(cancellationToken: ended.Token);
        var connected = new Connected(Channel.CreateBounded<EnforcerMessage>(OutboxMax), ended);
        var sending = Task.CompletedTask;
        try
        {
            await call.RequestStream.WriteAsync(new EnforcerMessage { Begin = Begin(connected) }).ConfigureAwait(false);
            // Nothing else may be written until the registry has greeted.
            var isThere = await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false);
            sending = SendAsync(call.RequestStream, connected);
            while (isThere && Take(connected, call.ResponseStream.Current))
                isThere = await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false);
        }
        finally
        {
            await LeaveAsync(connected, sending).ConfigureAwait(false);
        }
    }

    private WatchBegin Begin(Connected connected)
    {
        _parts.Accepted.ReportAgain(_options.Registry.Clock.GetUtcNow().ToUnixTimeSeconds());
        lock (_turn)
        {
            (_connected, _heardAt) = (connected, _options.BootClock.Milliseconds);
            return _watched.Begin();
        }
    }

    private async Task LeaveAsync(Connected connected, Task sending)
    {
        lock (_turn)
        {
            _connected = null;
            _beatAt = long.MinValue;
        }
        await connected.Ended.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // False: the stream ends.
    private bool Take(Connected connected, RegistryMessage message)
    {
        lock (_turn)
        {
            _heardAt = _options.BootClock.Milliseconds;
            _probes.Ask();
            var step = _watched.Take(message);
            _probes.AskAgain(_newDenials);
            // Before it is acknowledged: who has signed that it refuses has no stream open to whom it refuses.
            RefuseWhatIsOpen();
            // Who the agents among the audiences are may be something else since, and a stop that was heard before cover them.
            if (message.OfCase == RegistryMessage.OfOneofCase.Greeting)
                _parts.Sessions.Sweep();
            if (step == WatchStep.Acknowledge && !connected.TrySend(Acknowledgement()))
                return false;
            if (_watched.IsLive && _beatAt == long.MinValue && !TryBeat(connected))
                return false;
            WriteDown();
            if (_parts.Lease.Remaining(long.MaxValue) > 0)
                _hadLease = _ready.TrySetResult() || _hadLease;
            return step != WatchStep.End;
        }
    }

    private EnforcerMessage Acknowledgement()
    {
        var (decisions, chain) = _parts.Decisions.Head();
        var token = (_watched.Acknowledge(decisions, chain) with { Probe = _probes.Last, Revokers = _revoked }).Sign(_options.Key, _connection.Name.PublicUrl, _options.Registry.Clock.GetUtcNow());
        return new EnforcerMessage { Acknowledgement = new Acknowledgement { Token = token } };
    }

    private void RefuseWhatIsOpen()
    {
        if (_newDenials.Count == 0)
            return;
        _parts.Sessions.Sweep();
        if (_options.Revokers.Count > 0)
        {
            foreach (var denial in _newDenials)
                _ = Task.Run(() => RevokeAsync(denial));
        }
        _newDenials.Clear();
    }

    private async Task RevokeAsync(Denial denial)
    {
        var ended = await Task.WhenAll(_options.Revokers.Select(revoker => RevokeAsync(revoker, denial))).ConfigureAwait(false);
        var done = ended.Count(isDone => isDone);
        // A break-glass order has no entry yet, to say it of.
        if (denial.Epoch == 0)
            return;
        lock (_turn)
        {
            var outcome = new RevokerOutcome(denial.Index, (uint)done, (uint)(ended.Length - done));
            _revoked = [.. _revoked.Where(other => other.Stop != outcome.Stop).Append(outcome).OrderBy(one => one.Stop.Value).TakeLast(RevokerOutcome.CountMax)];
            if (_connected is { } connected && _watched.CanAcknowledge)
                connected.TrySend(Acknowledgement());
        }
    }

    private async Task<bool> RevokeAsync(Revoker revoker, Denial denial)
    {
        try
        {
            if (await revoker(denial, _end.Token).ConfigureAwait(false))
                return true;
            _alarm(EnforcerAlarmKind.RevokerFailed, $"What was handed out under {denial.Scope} was not all ended.");
        }
        catch (Exception failure)
        {
            // Code of the user: whatever it throws, the watch goes on and people are told.
            _alarm(EnforcerAlarmKind.RevokerFailed, $"What was handed out under {denial.Scope} was not ended: {failure.Message}");
        }
        return false;
    }

    private bool TryBeat(Connected connected)
    {
        _beatAt = _options.BootClock.Milliseconds;
        _parts.Accepted.ReportCounts();
        return connected.TrySend(new EnforcerMessage { Nonce = _watched.NextNonce() });
    }

    private void WriteDown()
    {
        if (_watched.TakeIsChanged())
            _states.Writer.TryWrite(_watched.Capture());
    }

    private async Task TickAsync()
    {
        var period = _options.Lease / (4 * BeatsPerLease);
        using var timer = new PeriodicTimer(period < TickMax ? period : TickMax, _options.Registry.Clock);
        var isTold = false;
        while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
        {
            try
            {
                TakeOrders();
                lock (_turn)
                    Tick();
            }
            catch (Exception failure)
            {
                // A bug, and no reason to leave open what the next tick would end. People are told once.
                if (!isTold)
                    _alarm(EnforcerAlarmKind.WatchFailed, failure.ToString());
                isTold = true;
            }
        }
    }

    private void Tick()
    {
        _watched.Tick();
        WriteDown();
        var hasLease = _parts.Lease.Remaining((long)_options.Lease.TotalMilliseconds) > 0;
        // Classes of actions may have leases that end before.
        if (!hasLease || _options.ResourceClasses.Count > 0)
            _parts.Sessions.Sweep();
        // Behind the sweep: what an alarm sets off may take its time.
        if (_hadLease && !hasLease)
            _alarm(EnforcerAlarmKind.LeaseEnded, _options.ObserveOnly ? "The registry was not heard in time; this enforcer only observes, and goes on." : "The registry was not heard in time; what has no longer lease of its own is refused until it is.");
        _hadLease = hasLease;
        if (_connected is not { } connected)
            return;
        var now = _options.BootClock.Milliseconds;
        var lease = _watched.Granted < _options.Lease ? _watched.Granted : _options.Lease;
        // The other end of a connection that breaks without a word is missed by nobody else for a quarter of an hour.
        if (now - _heardAt > Math.Max(lease.TotalMilliseconds, SilenceMinMilliseconds))
            connected.Ended.CancelAsync();
        if (!_watched.IsLive)
            return;
        var isSent = now - _beatAt < lease.TotalMilliseconds / BeatsPerLease || TryBeat(connected);
        while (isSent && _parts.Accepted.Take() is { Count: > 0 } accepted)
            isSent = connected.TrySend(new EnforcerMessage { Accepted = Told(accepted) });
        isSent = isSent && _parts.Alarms.TryTell(connected.TrySend);
        if (!isSent || WantsKeysAgain(now))
            connected.Ended.CancelAsync();
    }

    private static Protocol.V1.AcceptedCredentials Told(IReadOnlyList<AcceptedCredential> accepted) => new()
    {
        Items = { accepted.Select(one => ByteString.CopyFrom(one.Item.ToArray())) },
        Counts = { accepted.Select(one => one.Tell()) },
    };

    private bool WantsKeysAgain(long now)
    {
        if (!_wantsKeys || now - _keysAgainAt < KeysAgainMilliseconds)
            return false;
        (_wantsKeys, _keysAgainAt) = (false, now);
        return true;
    }

    // Orders are files that people drop into a folder.
    private void TakeOrders()
    {
        // What was refused under no key, or under the one before, is tried again with each that is heard of.
        if (_watched.BreakGlassKey is var key && key != _ordersKey)
        {
            _ordersKey = key;
            _seenOrders.Clear();
        }
        foreach (var file in OrderFiles())
        {
            if (!TryRead(file, out var token) || !_seenOrders.Add(token))
                continue;
            lock (_turn)
            {
                if (!_watched.Obey(token))
                    continue;
                RefuseWhatIsOpen();
                WriteDown();
                // The registry is told when a stream begins.
                _connected?.Ended.CancelAsync();
            }
        }
    }

    // A folder that cannot be read must not end what else is done at each tick.
    private string[] OrderFiles()
    {
        try
        {
            return _options.OrdersFolder is { } folder && Directory.Exists(folder) ? Directory.GetFiles(folder) : [];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool TryRead(string file, out string token)
    {
        const int OrderLengthMax = 8192;
        token = "";
        try
        {
            if (new FileInfo(file).Length is 0 or > OrderLengthMax)
                return false;
            token = File.ReadAllText(file).Trim();
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Half written, or taken away again: the next tick looks once more.
            return false;
        }
    }

    private static async Task SendAsync(IClientStreamWriter<EnforcerMessage> stream, Connected connected)
    {
        try
        {
            await foreach (var message in connected.Outbox.Reader.ReadAllAsync(connected.Ended.Token).ConfigureAwait(false))
                await stream.WriteAsync(message).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException or IOException)
        {
            // What cannot be sent ends the stream; the side that reads knows why.
            await connected.Ended.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteDownAsync()
    {
        EnforcerState? unsaved = null;
        var isEnded = false;
        while (!isEnded)
        {
            try
            {
                await (unsaved is null ? _states.Reader.WaitToReadAsync(_end.Token).AsTask() : Task.Delay(WriteAgain, _options.Registry.Clock, _end.Token)).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                isEnded = true;
            }
            // What could not be written is tried again until there is something newer, which may be in days.
            var isNew = _states.Reader.TryRead(out var newest);
            if ((newest ?? unsaved) is { } state)
                unsaved = TryWrite(state, isNew) ? null : state;
        }
    }

    private bool TryWrite(EnforcerState state, bool isNew)
    {
        try
        {
            _memory.Write(state);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (isNew)
                _alarm(EnforcerAlarmKind.StateNotSaved, failure.Message);
            return false;
        }
    }

    /// <summary>One stream: what waits to be sent, and what ends it.</summary>
    private sealed record Connected(Channel<EnforcerMessage> Outbox, CancellationTokenSource Ended)
    {
        public bool TrySend(EnforcerMessage message) => Outbox.Writer.TryWrite(message);
    }
}
