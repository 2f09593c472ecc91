using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>Actions that go by a lease of their own, for example reads by a longer one.</summary>
/// <param name="Name">By which the registry may grant it a lease of its own (<c>--class-leases</c>).</param>
/// <param name="Lease">How long the enforcer may go on without word from the registry. Never longer than the registry grants this class, or everything.</param>
/// <param name="Covers">Which actions.</param>
public sealed record ResourceClass(string Name, TimeSpan Lease, Func<AskedAction, bool> Covers);

/// <summary>Ends sessions or keys that were handed out already to whom a denial covers. True when that is done.</summary>
public delegate ValueTask<bool> Revoker(Denial denial, CancellationToken cancellationToken);

/// <summary>How an enforcer is set up.</summary>
public sealed record EnforcerOptions
{
    /// <summary>Where the registry is. The enforcer remembers checkpoints itself: no checkpoint folder is needed.</summary>
    public required ConnectionOptions Registry { get; init; }

    /// <summary>The enforcer's registered key. Stays the caller's.</summary>
    public required PrivateKey Key { get; init; }

    /// <summary>All audiences that it is registered for; the first is what credentials are checked for when a call names none.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>A folder of its own for what it must remember over a restart.</summary>
    public required string StateFolder { get; init; }

    /// <summary>How long it may go on without word from the registry, for actions of no class. Never longer than the registry grants.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Actions with leases of their own; the first class that covers an action counts.</summary>
    public IReadOnlyList<ResourceClass> ResourceClasses { get; init; } = [];

    /// <summary>
    /// Whether it lets in whom a stop covers, or anybody after its lease, and only says what it would refuse. Credentials and proofs that are no good are
    /// refused all the same. The registry is told, and reports it so.
    /// </summary>
    public bool ObserveOnly { get; init; }

    /// <summary>The operators' keys, from where they are trusted. Null takes the registry's word the first time, and holds it to that.</summary>
    public IReadOnlyList<PublicKey>? OperatorKeys { get; init; }

    /// <summary>A folder whose files are break-glass orders. Null: none are taken.</summary>
    public string? OrdersFolder { get; init; }

    /// <summary>Called for each new denial.</summary>
    public IReadOnlyList<Revoker> Revokers { get; init; } = [];

    /// <summary>Told of each alarm, on whatever thread notices; it must not block, and what it throws is dropped.</summary>
    public Action<EnforcerAlarm>? Alarmed { get; init; }

    /// <summary>Key proofs that are remembered at most, 48 bytes each: as many as come in two minutes. When it is full, proofs are refused.</summary>
    public int ReplayCapacity { get; init; } = 250_000;

    /// <summary>Credentials whose signature need not be verified again, about 2 KB each.</summary>
    public int CredentialCacheMax { get; init; } = 8192;

    internal BootClock BootClock { get; init; } = BootClock.System;

    internal NoteVerifierKey? LogKey => Registry.LogKey;
}
