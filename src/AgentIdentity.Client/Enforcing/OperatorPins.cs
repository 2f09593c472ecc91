using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>An operator whose word this enforcer takes. <paramref name="Since"/> is when the enforcer first saw the key, by its own clock; null for one that need not wait.</summary>
internal sealed record PinnedOperator(SubjectId Caller, string Name, PublicKey Key, DateTimeOffset? Since)
{
    /// <summary>Where the key signs, when it is a passkey. Keys of one person have one <see cref="Caller"/>.</summary>
    public PasskeyOrigin? Passkey { get; init; }
}

/// <summary>What the approvals in an entry come to.</summary>
internal enum ApprovalVerdict
{
    Good,

    /// <summary>Good, and used before by this very entry: the registry proves it again.</summary>
    Again,

    /// <summary>Good but for a key that this enforcer has not known for a day.</summary>
    TooEarly,

    Bad,
}

/// <summary>The operators that are pinned, and the approvals that were used. Owned by the watch.</summary>
internal sealed class OperatorPins(string publicUrl)
{
    /// <summary>How long a key must have been known before it may approve, so that whoever slips one in is noticed before it serves.</summary>
    public static readonly TimeSpan Quarantine = TimeSpan.FromHours(24);

    // Restores are rare, and each needs two people. To forget one would be to take it again, so a full store takes none.
    private const int NoncesMax = 10_000;

    // Each with the entry that used it.
    private readonly Dictionary<string, LeafIndex> _usedNonces = new(StringComparer.Ordinal);

    public List<PinnedOperator> Pinned { get; } = [];

    public IReadOnlyDictionary<string, LeafIndex> UsedNonces => _usedNonces;

    /// <summary>Whether one person suffices: so the registry was founded, as it said at first contact.</summary>
    public bool IsSingleOperator { get; set; }

    public void Remember(string usedNonce, LeafIndex by) => _usedNonces[usedNonce] = by;

    /// <summary>Judges approvals, and uses them up when they are good.</summary>
    /// <param name="entry">The entry that carries them.</param>
    /// <param name="tokens">As the entry has them.</param>
    /// <param name="action">What the entry does, in JCS form.</param>
    /// <param name="at">When the entry says that it was: approvals are held against that, since it may reach us much later.</param>
    /// <param name="now">The enforcer's clock.</param>
    public ApprovalVerdict Use(LeafIndex entry, IReadOnlyList<string> tokens, string action, DateTimeOffset at, DateTimeOffset now)
    {
        var approvers = new HashSet<SubjectId>();
        var keys = new HashSet<KeyId>();
        var nonces = new HashSet<string>(StringComparer.Ordinal);
        var isEarly = false;
        foreach (var token in tokens)
        {
            if (Approval.Read(token, publicUrl, at, out var approval) != Refusal.None || approval!.Action != action
                || Pinned.Find(pinned => approval.IsBy(pinned.Key, pinned.Passkey)) is not { } approver)
                return ApprovalVerdict.Bad;
            approvers.Add(approver.Caller);
            keys.Add(approver.Key.KeyId);
            nonces.Add(approval.Nonce);
            isEarly |= now - approver.Since < Quarantine;
        }
        var needed = IsSingleOperator ? 1 : 2;
        if (tokens.Count != needed || approvers.Count != needed || keys.Count != needed || nonces.Count != 1)
            return ApprovalVerdict.Bad;
        var nonce = nonces.Single();
        if (_usedNonces.TryGetValue(nonce, out var by))
            return by == entry ? ApprovalVerdict.Again : ApprovalVerdict.Bad;
        if (isEarly || _usedNonces.Count >= NoncesMax)
            return isEarly ? ApprovalVerdict.TooEarly : ApprovalVerdict.Bad;
        _usedNonces.Add(nonce, entry);
        return ApprovalVerdict.Good;
    }
}
