namespace AgentIdentity.Registry.Watching;

/// <summary>The nonces that came on one stream, for as long as an acknowledgement may carry them. For all threads.</summary>
internal sealed class NonceMemory
{
    // An hour of heartbeats.
    private const int NoncesMax = 1024;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Queue<string> _inOrder = [];

    /// <summary>False for one that has come before.</summary>
    public bool TryAdd(string nonce)
    {
        lock (_lock)
        {
            if (!_known.Add(nonce))
                return false;
            _inOrder.Enqueue(nonce);
            if (_inOrder.Count > NoncesMax)
                _known.Remove(_inOrder.Dequeue());
            return true;
        }
    }

    public bool Contains(string nonce)
    {
        lock (_lock)
            return _known.Contains(nonce);
    }
}
