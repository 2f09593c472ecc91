using System.Collections.Frozen;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Attesting;

namespace AgentIdentity.Registry;

/// <summary>What a registry is told at its start.</summary>
/// <param name="Name">The public URL and the names that follow from it. Fixed by the genesis entry.</param>
/// <param name="Dev">For trying out: a loopback public URL enrols.</param>
/// <param name="SingleOperator">One operator instead of two, fixed by the genesis entry and printed on every report.</param>
public sealed record RegistrySettings(RegistryName Name, bool Dev = false, bool SingleOperator = false)
{
    /// <summary>Life of a credential when the caller names none.</summary>
    public TimeSpan CredentialLifetime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How many key proofs are remembered, for two minutes, at 48 bytes each; a full store refuses.</summary>
    public int ReplayCapacity { get; init; } = 1_000_000;

    /// <summary>The same for operators' proofs, which nobody else's can crowd out: a thousand calls a second.</summary>
    public int OperatorReplayCapacity { get; init; } = 131_072;

    /// <summary>How many credentials are remembered as genuine, so that their signature is checked once.</summary>
    public int CredentialCacheMax { get; init; } = 65_536;

    /// <summary>How many agents one person may revoke within an hour. Freezing knows no such bound.</summary>
    public int RevokeAloneMax { get; init; } = 100;

    /// <summary>How long an enforcer may go on without word from here.</summary>
    public TimeSpan EnforcerLease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Classes of actions that enforcers may go on with for another time than that, by name: reads for longer, say.</summary>
    public IReadOnlyDictionary<string, TimeSpan> ClassLeases { get; init; } = FrozenDictionary<string, TimeSpan>.Empty;

    /// <summary>After so long without word from here an enforcer refuses everything.</summary>
    public TimeSpan LongestLease => ClassLeases.Values.Append(EnforcerLease).Max();

    /// <summary>How many stops in a row have probes at hand, while enforcers watch. 0: none has.</summary>
    public int ProbesReady { get; init; } = 4;

    /// <summary>Whose evidence counts, as of now.</summary>
    public Func<EvidenceTrust> EvidenceTrust { get; init; } = () => Attesting.EvidenceTrust.None;

    /// <summary>Who cosigns this registry's checkpoints, each with its URL, and how many of them it takes. Null: nobody is asked.</summary>
    public TlogPolicy? WitnessPolicy { get; init; }

    /// <summary>Whether checkpoints are signed before a quorum of the witnesses was asked what it has seen.</summary>
    public bool StartUnwitnessed { get; init; }

    /// <summary>The keys of the logs that this registry cosigns for.</summary>
    public IReadOnlyList<NoteVerifierKey> WitnessedLogs { get; init; } = [];

    /// <summary>Whether checkpoints are anchored on a chain: then nothing is signed before that was asked what it has of this log.</summary>
    public bool IsAnchored { get; init; }

    /// <summary>How others are reached: no proxy, no redirects, nobody whom the settings do not name.</summary>
    public Func<HttpMessageHandler> Outside { get; init; } = () => new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false };

    /// <summary>Told of what somebody must look at: a registry that was put back, an enforcer's alarm, a write that fails. Null: it stands in the log with everything else.</summary>
    public Action<string>? Alarmed { get; init; }

    /// <summary>A snapshot is taken when so many entries would have to be read again at a start.</summary>
    public ulong SnapshotEntries { get; init; } = 50_000;
}
