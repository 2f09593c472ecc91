using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>What a rule counts, for each agent. docs/formats.md, "Rule".</summary>
public enum RuleTrigger
{
    /// <summary>The agent has signed two statements for one place of its chain.</summary>
    Fork = 1,

    /// <summary>A tool has asked here whether it may do what its credential does not cover.</summary>
    EnvelopeExceeded = 2,

    /// <summary>It has passed authority on.</summary>
    DelegationBurst = 3,

    /// <summary>A proof of its key was shown here a second time.</summary>
    ProofReplayed = 4,
}

/// <summary>What is known of triggers apart from who counts them.</summary>
public static class RuleTriggers
{
    /// <summary>The word in a rule's text.</summary>
    public static string Word(this RuleTrigger trigger) => trigger switch
    {
        RuleTrigger.Fork => "fork",
        RuleTrigger.EnvelopeExceeded => "envelope-exceeded",
        RuleTrigger.DelegationBurst => "delegation-burst",
        RuleTrigger.ProofReplayed => "proof-replayed",
        _ => throw new ArgumentOutOfRangeException(nameof(trigger), trigger, "A trigger without a word."),
    };

    /// <summary>What a stop by the rule covers: whoever passes on in a burst is stopped with those who received.</summary>
    public static ScopeKind Reach(this RuleTrigger trigger) => trigger == RuleTrigger.DelegationBurst ? ScopeKind.AgentWithDelegates : ScopeKind.Agent;
}

/// <summary>A rule that stops by itself, once two people have switched it on. docs/formats.md, "Rule".</summary>
/// <param name="Trigger">What is counted.</param>
/// <param name="Count">How often it takes.</param>
/// <param name="Seconds">Within how long.</param>
/// <param name="State">What it leaves of the agent: restricted or frozen.</param>
public sealed record StopRule(RuleTrigger Trigger, uint Count, uint Seconds, StandingState State)
{
    /// <summary>The largest count: each agent that is counted takes so many times in memory.</summary>
    public const uint CountMax = 100;

    /// <summary>The longest window: a day.</summary>
    public const uint SecondsMax = 86_400;

    /// <summary>Whether count, window and state are within their bounds. A rule revokes nobody.</summary>
    public bool IsValid => Enum.IsDefined(Trigger) && Count is > 0 and <= CountMax && Seconds is > 0 and <= SecondsMax && State is StandingState.Restricted or StandingState.Frozen;

    /// <summary>The text that two people sign: <c>fork:1/60:frozen</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Trigger.Word()}:{Count}/{Seconds}:{(State == StandingState.Frozen ? "frozen" : "restricted")}");

    /// <summary>Reads the text; false for any that is not exactly how a rule within its bounds is written.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out StopRule? rule)
    {
        rule = text.Split(':', '/') is [var word, var count, var seconds, var state]
            && uint.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var times) && uint.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var window)
            ? new StopRule(Enum.GetValues<RuleTrigger>().FirstOrDefault(trigger => trigger.Word() == word), times, window, state == "frozen" ? StandingState.Frozen : StandingState.Restricted)
            : null;
        return rule is { IsValid: true } && rule.ToString() == text;
    }
}

/// <summary>The rule that a stop is by: the entry that switched it on, and what it counts.</summary>
public sealed record StoppingRule(LeafIndex Rules, RuleTrigger Trigger);
