namespace AgentIdentity.AspNetCore;

/// <summary>Names that a tool may need.</summary>
public static class AgentIdentityDefaults
{
    /// <summary>The authentication scheme.</summary>
    public const string Scheme = "AgentIdentity";

    /// <summary>The claims of an agent that was let in.</summary>
    public const string DidClaim = "did";
    public const string SponsorClaim = "sponsor";
    public const string BlueprintClaim = "blueprint";
    public const string CredentialClaim = "jti";

    /// <summary>Labels of the agent as <c>name=value</c>, by who says so: its sponsor; evidence at its enrolment; the agent itself, and nobody has looked.</summary>
    public const string LabelClaim = "label";
    public const string AttestedLabelClaim = "attested_label";
    public const string StatedLabelClaim = "stated_label";

    /// <summary>The DID of an agent whose authority this one acts under, nearest first; none when it is its own.</summary>
    public const string SuperiorClaim = "superior";

    /// <summary>Who answers for the last of those, and so for the whole chain.</summary>
    public const string TopSponsorClaim = "top_sponsor";
}
