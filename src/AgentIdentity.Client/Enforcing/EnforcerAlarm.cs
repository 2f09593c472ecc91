using System.Text;

namespace AgentIdentity.Client.Enforcing;

/// <summary>What an enforcer raises an alarm for. The names are stable.</summary>
public enum EnforcerAlarmKind
{
    /// <summary>The registry's log is smaller than, or does not go on from, what it has signed before.</summary>
    RegistryRolledBack,

    /// <summary>The registry shows another log than the pinned one, or signs with another key.</summary>
    LogChanged,

    /// <summary>What is to sign the watch is not vouched for by the log's key.</summary>
    WatchKeyForged,

    /// <summary>The registry went back to an epoch that was passed.</summary>
    EpochWentBack,

    /// <summary>For an epoch that the enforcer holds, the registry shows another deny state.</summary>
    DenyStateForked,

    /// <summary>A snapshot lacks a denial whose lift is not proven. It goes on being refused, and the lease runs out.</summary>
    DenyStateShrunk,

    /// <summary>A note is not signed by the watch key, or does not say what goes with it.</summary>
    NoteForged,

    /// <summary>Five seconds after a delta there is no proof that the ledger holds its entry.</summary>
    DeltaUnproven,

    /// <summary>An entry that lifts denials, or changes who may, lacks the approvals of pinned operators. Nothing was lifted.</summary>
    RestoreForged,

    /// <summary>The registry names operators, or a break-glass key, that no approved entry has brought.</summary>
    OperatorsChanged,

    /// <summary>A proof does not open the entry that it comes with, or contradicts the denial that it is about.</summary>
    ProofForged,

    /// <summary>A genuine credential was let in that the ledger does not hold: a key of the registry is in other hands. It is refused from now on.</summary>
    CredentialUnlogged,

    /// <summary>The registry does not let this enforcer watch.</summary>
    WatchRefused,

    /// <summary>The watch broke off for a reason that should not be.</summary>
    WatchFailed,

    /// <summary>The lease has ended: the registry has not been heard for too long.</summary>
    LeaseEnded,

    /// <summary>What the enforcer must remember over a restart could not be written.</summary>
    StateNotSaved,

    /// <summary>A break-glass order is not one, or not signed by the break-glass key.</summary>
    OrderRefused,

    /// <summary>A break-glass order is obeyed.</summary>
    OrderObeyed,

    /// <summary>Code that ends what was handed out has failed.</summary>
    RevokerFailed,

    /// <summary>The registry takes one operator's word: it was founded so.</summary>
    SingleOperator,
}

/// <summary>Something that people must see.</summary>
/// <param name="Kind">What.</param>
/// <param name="Detail">What was expected and what was found.</param>
/// <param name="At">When it was noticed.</param>
public sealed record EnforcerAlarm(EnforcerAlarmKind Kind, string Detail, DateTimeOffset At)
{
    /// <summary>The stable name, for example <c>DENY_STATE_SHRUNK</c>.</summary>
    public string Name { get; } = UpperSnake(Kind.ToString());

    private static string UpperSnake(string pascal)
    {
        var name = new StringBuilder();
        foreach (var letter in pascal)
        {
            if (char.IsAsciiLetterUpper(letter) && name.Length > 0)
                name.Append('_');
            name.Append(char.ToUpperInvariant(letter));
        }
        return name.ToString();
    }
}
