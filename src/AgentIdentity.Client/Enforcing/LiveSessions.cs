using System.Collections.Concurrent;
using AgentIdentity.Credentials;

namespace AgentIdentity.Client.Enforcing;

/// <summary>Connections and streams that agents have open, each ended when a stop comes to cover it or its lease is over.</summary>
/// <param name="failed">Told what an owner's code threw.</param>
internal sealed class LiveSessions(HeldStops stops, Lease lease, Action<Exception> failed)
{
    private readonly ConcurrentDictionary<Live, byte> _live = new();
    private readonly Action<Exception> _failed = failed;

    /// <summary>Ends <paramref name="ended"/> when the session is refused. Disposing forgets it.</summary>
    public IDisposable Register(BoundSession session, AskedAction? action, AskedLease asked, Action<Refusal> ended)
    {
        var live = new Live(this, session, action, asked, ended);
        _live[live] = 0;
        // A denial may have come between the decision and this.
        End(live);
        return live;
    }

    /// <summary>Ends whatever is refused now. By the same function that decides requests, so that the two never differ.</summary>
    public int Sweep()
    {
        var ended = 0;
        foreach (var (live, _) in _live)
            ended += End(live) ? 1 : 0;
        return ended;
    }

    private bool End(Live live)
    {
        var refusal = lease.Remaining(live.Asked) == 0 ? Refusal.LeaseOver : stops.Judge(live.Session, live.Action);
        if (refusal == Refusal.None || !_live.TryRemove(live, out _))
            return false;
        // What it does is its owner's, and may take its time; the next one is not to wait for it.
        ThreadPool.UnsafeQueueUserWorkItem(static ended => ended.Live.Tell(ended.Refusal), (Live: live, Refusal: refusal), preferLocal: false);
        return true;
    }

    private sealed class Live(LiveSessions owner, BoundSession session, AskedAction? action, AskedLease asked, Action<Refusal> ended) : IDisposable
    {
        public BoundSession Session => session;

        public AskedAction? Action => action;

        public AskedLease Asked => asked;

        public void Tell(Refusal refusal)
        {
            try
            {
                ended(refusal);
            }
            catch (Exception failure)
            {
                // Code of the user on a thread of the pool: what it throws would end the process.
                owner._failed(failure);
            }
        }

        public void Dispose() => owner._live.TryRemove(this, out _);
    }
}
