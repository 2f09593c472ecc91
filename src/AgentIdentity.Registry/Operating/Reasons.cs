using AgentIdentity.Credentials;

namespace AgentIdentity.Registry.Operating;

/// <summary>What people give as their reason, which stands in the ledger.</summary>
internal static class Reasons
{
    private const int Max = 500;

    /// <param name="reason">What was given.</param>
    /// <param name="wanted">Who says why, for whoever did not.</param>
    public static Refused? Problem(string reason, string wanted = "Say why") =>
        reason.Length is 0 or > Max ? Refused.Because(Refusal.ReasonMissing, $"{wanted}, in 1 to {Max} characters.") : null;
}
