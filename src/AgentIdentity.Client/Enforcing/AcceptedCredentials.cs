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

    private readonly ConcurrentDictionary<Hash, Accepted> _byToken = new();
    private readonly ConcurrentQueue<Hash> _waiting = new();

    public void Add(PresentedCredential credential)
    {
        if (_byToken.ContainsKey(credential.TokenHash))
            return;
        if (_byToken.Count >= KnownMax)
            _byToken.Clear();
        var accepted = new Accepted(AcceptedItem.HashOf(credential), credential.Claims.Jti, credential.Claims.ExpiresAt);
        if (_byToken.TryAdd(credential.TokenHash, accepted))
            _waiting.Enqueue(accepted.Item);
    }

    /// <summary>Hashes that have not been reported.</summary>
    public IReadOnlyList<Hash> Take()
    {
        var batch = new List<Hash>();
        while (batch.Count < BatchMax && _waiting.TryDequeue(out var item))
            batch.Add(item);
        return batch;
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
                _waiting.Enqueue(accepted.Item);
        }
    }

    /// <summary>The credentials that stand for an item.</summary>
    public IEnumerable<(SubjectId Jti, long ExpiresAt)> Find(Hash item) =>
        _byToken.Values.Where(accepted => accepted.Item == item).Select(accepted => (accepted.Jti, accepted.ExpiresAt)).Distinct();

    private sealed record Accepted(Hash Item, SubjectId Jti, long ExpiresAt);
}
