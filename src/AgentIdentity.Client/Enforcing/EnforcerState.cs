using System.Text.Json;
using System.Text.Json.Serialization;

namespace AgentIdentity.Client.Enforcing;

/// <summary>What an enforcer remembers over a restart, as it stands in its file.</summary>
/// <remarks>Whoever can change the file can make the enforcer refuse the true registry, or forget what it refused; nothing else.</remarks>
internal sealed record EnforcerState : IJsonOnDeserialized
{
    /// <summary>The log's vkey.</summary>
    public string? LogKey { get; init; }

    /// <summary>The succession notes that have led to that log since this enforcer knows it, oldest first.</summary>
    public IReadOnlyList<string> Successions { get; init; } = [];

    /// <summary>The largest checkpoint, a signed note.</summary>
    public string? Checkpoint { get; init; }

    public ulong Epoch { get; init; }

    /// <summary>The last note that is presented when a stream begins.</summary>
    public string LastNote { get; init; } = "";

    public byte[] LastPayload { get; init; } = [];

    /// <summary>How many denials the registry has signed for that epoch.</summary>
    public ulong Count { get; init; }

    /// <summary>And their digest.</summary>
    public byte[]? Digest { get; init; }

    /// <summary>What the registry showed at that epoch, encoded.</summary>
    public IReadOnlyList<byte[]> Denials { get; init; } = [];

    /// <summary>What it showed before and does not any more, and what goes on being refused.</summary>
    public IReadOnlyList<byte[]> Held { get; init; } = [];

    /// <summary>The entries of those whose lift the registry owes a proof of: without it there is no lease. Null in what was written before this was: then it owes one for each that is held.</summary>
    public IReadOnlyList<ulong>? Missing { get; init; }

    /// <summary>Break-glass orders that were lifted: base64url SHA-256 of each.</summary>
    public IReadOnlyList<string> LiftedOrders { get; init; } = [];

    public bool SingleOperator { get; init; }

    public IReadOnlyList<StoredOperator> Operators { get; init; } = [];

    public IReadOnlyList<StoredNonce> UsedNonces { get; init; } = [];

    /// <summary>JWK.</summary>
    public string? BreakGlassKey { get; init; }

    public IReadOnlyList<StoredOrder> Orders { get; init; } = [];

    /// <summary>Entries with good approvals of a key that is not a day old here.</summary>
    public IReadOnlyList<StoredEntry> Waiting { get; init; } = [];

    public IReadOnlyList<StoredUnlogged> Unlogged { get; init; } = [];

    // The serializer asks whether a list is null, and not whether something in it is.
    void IJsonOnDeserialized.OnDeserialized()
    {
        IEnumerable<object?>[] lists = [Successions, Denials, Held, LiftedOrders, Operators, UsedNonces, Orders, Waiting, Unlogged];
        if (lists.Any(list => list.Contains(null)))
            throw new JsonException("one of its lists holds null.");
    }
}

internal sealed record StoredOperator(string Caller, string Name, string Key, DateTimeOffset? Since, string? Passkey);

internal sealed record StoredNonce(string Nonce, ulong Entry);

internal sealed record StoredOrder(string Token, ulong? LedgerIndex);

internal sealed record StoredEntry(ulong Index, byte[] Entry);

internal sealed record StoredUnlogged(string Jti, long ExpiresAt);
