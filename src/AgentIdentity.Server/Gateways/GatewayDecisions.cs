using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Telemetry;

namespace AgentIdentity.Server.Gateways;

/// <summary>Decides for gateways, which are enforcers that hold no watch and know no agents: nginx and others by <see cref="AuthEndpoint"/>, Envoy by <see cref="ExtAuthzService"/>. docs/operations.md, "Gateways".</summary>
internal sealed class GatewayDecisions(RegistryNode registry, CallMetrics metrics)
{
    private const string CredentialPrefix = "DPoP ";
    private const string CertificatePrefix = "Bearer ";

    // What a request is, where the gateway's configuration does not say.
    private const string RequestType = "http";

    /// <summary>The nonce for the agent's next proof.</summary>
    public string Nonce => registry.Nonces.Current();

    /// <exception cref="CallRefusedException">The gateway cannot be told: it may not ask, or does not say what it asks.</exception>
    public GatewayAnswer Decide(CallerRecord gateway, HeldRequest request, RouteRule rule)
    {
        var audience = AudienceOf(gateway, rule);
        registry.Watch.Asks(gateway);
        // Read before the decision: the answer must not claim a later moment than the one it was made at.
        var epoch = registry.State.Epoch;
        if (!TryReadCredential(request, out var credential))
            return new GatewayAnswer(HttpRefusal.AskForNonce, null, epoch);
        var verdict = registry.Verification.Verify(new VerificationRequest(credential, request.Proof, new RequestedUse(request.Method, request.Url.Text, Nonce: null), audience, ActionOf(request, rule))
        {
            Certificate = request.Certificate,
            OwnNonces = registry.Nonces,
        });
        metrics.Verified(verdict.Refusal);
        return new GatewayAnswer(verdict.Refusal == Refusal.None ? null : HttpRefusal.Of(verdict.Refusal.Name()), verdict.Presented, epoch);
    }

    /// <summary>The DID of an agent, as the service behind the gateway is told it.</summary>
    public string DidOf(PresentedCredential presented) => registry.Settings.Name.AgentDid(presented.Claims.AgentId);

    // A gateway speaks for the audiences that it was registered for.
    private static string AudienceOf(CallerRecord gateway, RouteRule rule)
    {
        if (rule.Audience is null && gateway.Audiences.Count != 1)
            throw CallRefusedException.Malformed($"{gateway.Name} is registered for {gateway.Audiences.Count} audiences: its configuration has to name the one that the route is of.");
        var audience = rule.Audience ?? gateway.Audiences[0];
        return gateway.Audiences.Contains(audience) ? audience : throw new CallRefusedException(Refusal.NotPermitted, $"{gateway.Name} is not registered for the audience {audience}.");
    }

    // A location that nothing covers, where the path could be taken for another one behind the gateway.
    private static RequestedAction ActionOf(HeldRequest request, RouteRule rule) =>
        new(rule.Type ?? RequestType, rule.Action ?? request.Method, rule.Location ?? (request.Url.IsPlain ? request.Url.Text : ""));

    // RFC 9449: the scheme DPoP, with a proof. RFC 8705: the scheme Bearer, with the client certificate of the connection for one.
    private static bool TryReadCredential(HeldRequest request, out string credential)
    {
        var isBearer = request.Authorization.StartsWith(CertificatePrefix, StringComparison.OrdinalIgnoreCase);
        var isShown = isBearer ? request.Certificate is not null && request.Proof.Length == 0 : request.Authorization.StartsWith(CredentialPrefix, StringComparison.OrdinalIgnoreCase) && request.Proof.Length > 0;
        credential = isShown ? request.Authorization[(isBearer ? CertificatePrefix : CredentialPrefix).Length..] : "";
        return isShown;
    }
}

/// <summary>What a gateway is told.</summary>
/// <param name="Refusal">Null when the request goes on.</param>
/// <param name="Presented">There when it goes on, and when the refusal came after the signature had been verified.</param>
/// <param name="Epoch">Of the stops that were looked at.</param>
internal sealed record GatewayAnswer(HttpRefusal? Refusal, PresentedCredential? Presented, ulong Epoch)
{
    public const string DidHeader = "X-Agent-Did";
    public const string CredentialHeader = "X-Agent-Credential";
    public const string EpochHeader = "X-Agent-Epoch";
}
