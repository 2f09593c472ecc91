using AgentIdentity.Credentials.Evidence;

namespace AgentIdentity.Registry.Attesting;

/// <summary>Whose word counts when agents enrol, and with which keys. Set by whoever runs the registry; what evidence is demanded of whom stands in the enrolment tokens.</summary>
public sealed record EvidenceTrust(IReadOnlyList<OidcIssuer> Issuers, IReadOnlyList<SpiffeBundle> Bundles)
{
    /// <summary>Nobody's.</summary>
    public static EvidenceTrust None { get; } = new([], []);

    public OidcIssuer? Issuer(string? name) => Issuers.FirstOrDefault(issuer => issuer.Name == name);

    public SpiffeBundle? Bundle(SpiffeId id) => Bundles.FirstOrDefault(bundle => bundle.TrustDomain == id.TrustDomain);
}

/// <summary>An OpenID Connect issuer of workload tokens.</summary>
/// <param name="Name">Exactly as its tokens have it in <c>iss</c>.</param>
/// <param name="Keys">What it signs with.</param>
/// <param name="Labels">Which claims become labels of the agent: label name and claim. A claim that a token does not have gives none.</param>
public sealed record OidcIssuer(string Name, VerificationKeys Keys, IReadOnlyList<KeyValuePair<string, string>> Labels);
