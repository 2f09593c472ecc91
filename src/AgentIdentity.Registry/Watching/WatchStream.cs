using System.Runtime.CompilerServices;
using System.Threading.Channels;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>What one enforcer is to be told, in order. It is bounded: who does not read is cut off, and nothing is left out silently.</summary>
public sealed class WatchStream : IDisposable
{
    // Some hundred stops in the time that an enforcer may take to read: more than that and it is better off with a snapshot.
    internal const int QueueMax = 256;

    private readonly Channel<WatchMessage> _queue = Channel.CreateBounded<WatchMessage>(new BoundedChannelOptions(QueueMax) { SingleReader = true });
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();

    // Owned by whoever holds the lock.
    private Refused? _refused;
    private bool _isDisposed;

    internal WatchStream(CallerRecord enforcer, View view, bool isObserving)
    {
        (Enforcer, View, IsObserving) = (enforcer, view, isObserving);
        Ended = _ended.Token;
    }

    public CallerRecord Enforcer { get; }

    /// <summary>Whether it only reports what it would refuse.</summary>
    public bool IsObserving { get; }

    /// <summary>Cancelled when the stream must end, also in the middle of a write, or has ended.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Why it was ended; null when the enforcer went away.</summary>
    public Refused? Refused
    {
        get
        {
            lock (_lock)
                return _refused;
        }
    }

    internal View View { get; }

    internal NonceMemory Nonces { get; } = new();

    /// <summary>What was put on the record as unlogged: that it is let in again until the enforcer has heard so is no news. The reader's.</summary>
    internal HashSet<Hash> Unlogged { get; } = [];

    /// <summary>What is said before anything that happens from now on. Set before anybody reads.</summary>
    internal IReadOnlyList<WatchMessage> Opening { get; set; } = [];

    /// <summary>The leases of classes that it was told of. Set before anybody reads.</summary>
    internal IReadOnlyList<ClassLease> Classes { get; set; } = [];

    /// <summary>The highest epoch whose acknowledgement was handed to the writer. The reader's.</summary>
    internal ulong SubmittedEpoch { get; set; }

    public async IAsyncEnumerable<WatchMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var message in Opening)
            yield return message;
        await foreach (var message in _queue.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            yield return message;
    }

    /// <summary>Ends the stream, with the reason that the enforcer is given.</summary>
    public void End(Refused refused)
    {
        lock (_lock)
        {
            if (_refused is not null || _isDisposed)
                return;
            _refused = refused;
            // Not here: whoever waits for it may take locks of its own.
            _ = _ended.CancelAsync();
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        // Not disposed of: whoever hears of a cancellation that is on its way would be forgotten. It has neither timer nor handle.
        _ended.Cancel();
    }

    internal void Post(WatchMessage message)
    {
        if (!_queue.Writer.TryWrite(message))
            End(Registry.Refused.Because(Refusal.Overloaded, $"{QueueMax} messages were not read; watch again, from a snapshot."));
    }
}
