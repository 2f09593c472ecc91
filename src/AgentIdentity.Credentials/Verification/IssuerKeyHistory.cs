using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Verification;

/// <summary>Which key signed credentials at which entry. Replaced as a whole when a key rotates.</summary>
public sealed class IssuerKeyHistory
{
    private readonly Span[] _spans;

    private IssuerKeyHistory(Span[] spans) => _spans = spans;

    /// <summary>No key at all.</summary>
    public static IssuerKeyHistory Empty { get; } = new([]);

    /// <summary>The key that signs now.</summary>
    public PublicKey Current => _spans[^1].Key;

    /// <summary>The key that signs now; null when there has never been one.</summary>
    public PublicKey? Newest => _spans is [.., var last] ? last.Key : null;

    /// <summary>Every key that ever signed credentials, newest last.</summary>
    public IEnumerable<PublicKey> All => _spans.Select(span => span.Key);

    /// <summary>Each key with the entry from which on it signed.</summary>
    public IEnumerable<(PublicKey Key, LeafIndex From)> Spans => _spans.Select(span => (span.Key, span.From));

    /// <summary>The history with one more key.</summary>
    public IssuerKeyHistory Then(PublicKey key, LeafIndex from) => new([.. _spans, new Span(key, from)]);

    /// <summary>The key with that id, if it ever signed.</summary>
    public PublicKey? Find(KeyId keyId)
    {
        foreach (var span in _spans)
        {
            if (span.Key.KeyId == keyId)
                return span.Key;
        }
        return null;
    }

    /// <summary>The key that was in force at an entry. Never at a time: whoever holds a stolen key writes times.</summary>
    public PublicKey InForceAt(LeafIndex index)
    {
        for (var i = _spans.Length - 1; i > 0; i--)
        {
            if (_spans[i].From.Value <= index.Value)
                return _spans[i].Key;
        }
        return _spans[0].Key;
    }

    private sealed record Span(PublicKey Key, LeafIndex From);
}
