using System.Collections.Concurrent;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>Which credentials were let in, so that the registry can say which of them its ledger does not hold. Each is reported once on a connection.</summary>
/// <remarks>Safe for all threads.</remarks>
internal sealed class AcceptedCredentials
{
    /// <summary>Hashes in one message.</summary>
    public const int BatchMax = 256;

    // By the whole text: a second credential under a logged jti is another one. More than this are not met within their quarter of an hour;
    // if they are, those that were forgotten are reported again.
    private const int KnownMax = 100_000;

    private readonly ConcurrentDictionary<Hash, AcceptedCredential> _byToken = new();
    private readonly ConcurrentQueue<AcceptedCredential> _waiting = new();

    /// <summary>What counts how often the credential is let in; to be told of each time.</summary>
    public AcceptedCredential Add(PresentedCredential credential)
    {
        if (_byToken.TryGetValue(credential.TokenHash, out var known))
            return known;
        if (_byToken.Count >= KnownMax)
            _byToken.Clear();
        var accepted = new AcceptedCredential(AcceptedItem.HashOf(credential), credential.Claims.Jti, credential.Claims.ExpiresAt);
        if (!_byToken.TryAdd(credential.TokenHash, accepted))
            return _byToken.GetValueOrDefault(credential.TokenHash, accepted);
        _waiting.Enqueue(accepted);
        return accepted;
    }

    /// <summary>Those that have not been reported.</summary>
    public IReadOnlyList<AcceptedCredential> Take()
    {
        var batch = new List<AcceptedCredential>();
        while (batch.Count < BatchMax && _waiting.TryDequeue(out var item))
            batch.Add(item);
        return batch;
    }

    /// <summary>Has those reported again that were let in since.</summary>
    public void ReportCounts()
    {
        foreach (var accepted in _byToken.Values)
        {
            if (accepted.HasNews)
                _waiting.Enqueue(accepted);
        }
    }

    /// <summary>On a new connection all are reported again: whether the last report arrived is not known.</summary>
    public void ReportAgain(long nowSeconds)
    {
        _waiting.Clear();
        foreach (var (token, accepted) in _byToken)
        {
            if (accepted.ExpiresAt <= nowSeconds)
                _byToken.TryRemove(token, out _);
            else
                _waiting.Enqueue(accepted);
        }
    }

    /// <summary>The credentials that stand for an item that the ledger does not hold. Nothing more is said of them.</summary>
    public IReadOnlyList<(SubjectId Jti, long ExpiresAt)> TakeUnlogged(Hash item)
    {
        var found = _byToken.Values.Where(accepted => accepted.Item == item).ToArray();
        foreach (var accepted in found)
            accepted.IsUnlogged = true;
        return [.. found.Select(accepted => (accepted.Jti, accepted.ExpiresAt)).Distinct()];
    }
}

/// <summary>A credential that was let in, and how often. For all threads.</summary>
internal sealed class AcceptedCredential(Hash item, SubjectId jti, long expiresAt)
{
    private uint _count;
    private uint _told;

    public Hash Item => item;

    public SubjectId Jti => jti;

    public long ExpiresAt => expiresAt;

    public bool IsUnlogged { get; set; }

    public bool HasNews => !IsUnlogged && Volatile.Read(ref _count) != Volatile.Read(ref _told);

    public void Count() => Interlocked.Increment(ref _count);

    /// <summary>How often by now, which is told.</summary>
    public uint Tell()
    {
        var count = Volatile.Read(ref _count);
        Volatile.Write(ref _told, count);
        return count;
    }
}
