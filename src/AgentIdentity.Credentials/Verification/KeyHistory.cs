using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Verification;

/// <summary>Which key was in force at which entry: of those that sign credentials, or of those that an agent has had. Replaced as a whole when a key rotates.</summary>
public sealed class KeyHistory
{
    private readonly Span[] _spans;

    private KeyHistory(Span[] spans) => _spans = spans;

    /// <summary>No key at all.</summary>
    public static KeyHistory Empty { get; } = new([]);

    /// <summary>Whether there has never been a key.</summary>
    public bool IsEmpty => _spans.Length == 0;

    /// <summary>The key that is in force now.</summary>
    public PublicKey Current => _spans[^1].Key;

    /// <summary>The entry from which on it is.</summary>
    public LeafIndex Since => _spans[^1].From;

    /// <summary>The key that is in force now; null when there has never been one.</summary>
    public PublicKey? Newest => _spans is [.., var last] ? last.Key : null;

    /// <summary>Every key that ever was in force, newest last.</summary>
    public IEnumerable<PublicKey> All => _spans.Select(span => span.Key);

    /// <summary>Each key with the entry from which on it was in force.</summary>
    public IEnumerable<(PublicKey Key, LeafIndex From)> Spans => _spans.Select(span => (span.Key, span.From));

    /// <summary>The history with one more key.</summary>
    public KeyHistory Then(PublicKey key, LeafIndex from) => new([.. _spans, new Span(key, from)]);

    /// <summary>The key with that id, if it ever was in force.</summary>
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
