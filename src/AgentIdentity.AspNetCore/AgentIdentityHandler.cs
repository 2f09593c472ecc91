using System.Buffers;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AgentIdentity.AspNetCore;

/// <summary>
/// Lets an agent in when everything is good, now and for this request: credential, key proof, nonce, audience, stop state and the endpoint's action.
/// Whatever goes wrong keeps it out, and a stop that comes later cuts it off.
/// </summary>
internal sealed class AgentIdentityHandler(IOptionsMonitor<AgentIdentityOptions> options, ILoggerFactory logger, UrlEncoder encoder, IVerifier verifier)
    : AuthenticationHandler<AgentIdentityOptions>(options, logger, encoder)
{
    private const string CredentialPrefix = "DPoP ";
    private const string CertificatePrefix = "Bearer ";
    private const string NonceName = "DPoP-Nonce";

    // What to answer when the agent is kept out.
    private Denial _denial = Denial.AskForNonce;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Only endpoints that say what they do are guarded; for the others no proof is used up.
        if (Context.GetEndpoint() is not { } endpoint || AgentAction.Of(endpoint) is not { } action)
            return AuthenticateResult.NoResult();
        var signedBody = endpoint.Metadata.GetMetadata<SignedBody>();
        if (!TryReadCredential(out var credential, out var proof) || (proof is null && signedBody is not null))
            return Deny(Denial.AskForNonce);
        var bodyHash = signedBody is null ? null : await signedBody.HashAsync(Request, Context.RequestAborted);
        if (signedBody is not null && bodyHash is null)
            return Deny(Denial.BodyTooLong);

        var certificate = Context.Connection.ClientCertificate is { } shown ? Sha256.Hash(shown.RawDataMemory.Span) : (Hash?)null;
        var verdict = await verifier.VerifyAsync(
            new ToolRequest(credential, proof, Request.Method, RequestUrl(), Options.Audience, action, certificate, bodyHash), Context.RequestAborted);
        if (verdict.Agent is not { } agent)
            return Deny(Denial.Of(verdict.Reason));
        new RunningRequest(Context, Logger).Begin(verifier, verdict, action);
        Context.Features.Set(new LetInFor(action));
        Response.Headers[NonceName] = verifier.Nonces.Current();
        return AuthenticateResult.Success(new AuthenticationTicket(PrincipalOf(agent), Scheme.Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers[NonceName] = verifier.Nonces.Current();
        Response.Headers.CacheControl = "no-store";
        if (GrpcCall.IsOne(Request))
            GrpcCall.Refuse(Response, _denial.Status, _denial.Title, _denial.Reason);
        else
            Refuse();
        // Another scheme of the endpoint may be asked behind this one, and says a status of its own: nothing is sent before, and an agent learns what it lacks whoever was asked last.
        var status = Response.StatusCode;
        Response.OnStarting(() =>
        {
            Response.StatusCode = status;
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    // Somebody else was let in by another scheme of the endpoint: the agent that is missing learns what it lacks, its first nonce included.
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Context.Features.Get<LetInFor>() is null ? HandleChallengeAsync(properties) : base.HandleForbiddenAsync(properties);

    /// <summary>Whether an agent was let in for this very request and action. The user of a request says less: it is whoever any scheme of the endpoint knows, and a cookie may bring an agent's claims back.</summary>
    public static bool HasLetIn(object? request, AgentAction action) => (request as HttpContext)?.Features.Get<LetInFor>()?.Action == action;

    // RFC 9449: the scheme DPoP, with a proof. RFC 8705: the scheme Bearer, with the client certificate of the connection for one.
    private bool TryReadCredential(out string credential, out string? proof)
    {
        (credential, proof) = ("", null);
        if (Request.Headers.Authorization is not [{ } authorization])
            return false;
        var isBearer = authorization.StartsWith(CertificatePrefix, StringComparison.OrdinalIgnoreCase);
        if (isBearer ? Context.Connection.ClientCertificate is null || Request.Headers["DPoP"].Count > 0 : !authorization.StartsWith(CredentialPrefix, StringComparison.OrdinalIgnoreCase))
            return false;
        credential = authorization[(isBearer ? CertificatePrefix : CredentialPrefix).Length..];
        proof = Request.Headers["DPoP"] is [{ } one] ? one : null;
        return isBearer || proof is not null;
    }

    // What is written and not flushed leaves with the end of the request.
    private void Refuse()
    {
        Response.StatusCode = _denial.Status;
        if (_denial.Status == StatusCodes.Status401Unauthorized)
            Response.Headers.Append("WWW-Authenticate", $"DPoP error=\"{_denial.Error}\", algs=\"ES256 EdDSA\"");
        if (_denial.Status == StatusCodes.Status503ServiceUnavailable)
            Response.Headers.RetryAfter = "1";
        Response.ContentType = "application/problem+json";
        var problem = new { type = "about:blank", title = _denial.Title, status = _denial.Status, reason = _denial.Reason };
        Response.BodyWriter.Write(JsonSerializer.SerializeToUtf8Bytes(problem));
    }

    private AuthenticateResult Deny(Denial denial)
    {
        _denial = denial;
        return AuthenticateResult.Fail(denial.Reason);
    }

    // As it was sent: decoded and encoded again, the path could be another text than the one in the proof, and a host is named by its letters in ASCII.
    private string RequestUrl()
    {
        var target = Context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var end = target.AsSpan().IndexOfAny('?', '#');
        return (Options.OwnUrl ?? $"{Request.Scheme}://{Request.Host.ToUriComponent()}") + (end < 0 ? target : target[..end]);
    }

    private ClaimsPrincipal PrincipalOf(LetIn agent) => new(new ClaimsIdentity(
        [
            new Claim(AgentIdentityDefaults.DidClaim, agent.Did),
            new Claim(AgentIdentityDefaults.SponsorClaim, agent.Sponsor),
            new Claim(AgentIdentityDefaults.BlueprintClaim, agent.Blueprint),
            new Claim(AgentIdentityDefaults.CredentialClaim, agent.Jti),
            .. agent.Labels.Select(label => new Claim(label.Claim, $"{label.Name}={label.Value}")),
            .. agent.Superiors.Select(above => new Claim(AgentIdentityDefaults.SuperiorClaim, above)),
            .. agent.TopSponsor is { } sponsor ? [new Claim(AgentIdentityDefaults.TopSponsorClaim, sponsor)] : Array.Empty<Claim>(),
        ],
        Scheme.Name,
        AgentIdentityDefaults.DidClaim,
        roleType: null));

    /// <summary>Stands among a request's features when everything was good.</summary>
    private sealed record LetInFor(AgentAction Action);

    /// <summary>An answer to an agent that is kept out.</summary>
    /// <param name="Status">HTTP.</param>
    /// <param name="Title">For people.</param>
    /// <param name="Reason">A stable name.</param>
    /// <param name="Error">RFC 9449 and RFC 6750, with 401.</param>
    private sealed record Denial(int Status, string Title, string Reason, string Error = "")
    {
        public static readonly Denial AskForNonce = new(
            StatusCodes.Status401Unauthorized, "A credential is needed, with a key proof that carries the nonce in DPoP-Nonce.", Refusal.UseDpopNonce.Name(), "use_dpop_nonce");

        public static readonly Denial BodyTooLong = new(StatusCodes.Status413PayloadTooLarge, "The body is longer than a proof may cover here.", Refusal.MessageTooLarge.Name());

        // What another proof or credential would mend is 401 (RFC 9449 section 7.1, RFC 6750 section 3.1), what only time can is 503, and everything else is no.
        public static Denial Of(string reason) => reason switch
        {
            "USE_DPOP_NONCE" => AskForNonce,
            "PROOF_MISSING" or "PROOF_INVALID" or "PROOF_STALE" or "PROOF_REPLAYED" or "PROOF_REQUEST_MISMATCH" or "PROOF_KEY_MISMATCH" or "NONCE_MISMATCH" or "BODY_MISMATCH" =>
                new(StatusCodes.Status401Unauthorized, "The key proof is not a good one.", reason, "invalid_dpop_proof"),
            "CREDENTIAL_INVALID" or "CREDENTIAL_UNLOGGED" or "CREDENTIAL_EXPIRED" or "CREDENTIAL_NOT_YET_VALID" or "AUDIENCE_MISMATCH" or "CERTIFICATE_MISMATCH" =>
                new(StatusCodes.Status401Unauthorized, "The credential is not a good one here, or not any more.", reason, "invalid_token"),
            "LEASE_OVER" or "REPLAY_STORE_FULL" or "REGISTRY_HALTED" or "ROLLED_BACK" or Verdict.RegistryUnreachable => new(StatusCodes.Status503ServiceUnavailable, "Whether the credential is good cannot be found out now.", reason),
            _ => new(StatusCodes.Status403Forbidden, "This request is not let through.", reason),
        };
    }
}
