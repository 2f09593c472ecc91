using System.Buffers;
using System.Security.Claims;
using System.Text;
using System.Text.Encodings.Web;
using AgentIdentity.Credentials.Verification;
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

    // What to answer when the agent is kept out.
    private HttpRefusal _refusal = HttpRefusal.AskForNonce;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Only endpoints that say what they do are guarded; for the others no proof is used up.
        if (Context.GetEndpoint() is not { } endpoint || AgentAction.Of(endpoint) is not { } action)
            return AuthenticateResult.NoResult();
        var signedBody = endpoint.Metadata.GetMetadata<SignedBody>();
        if (!TryReadCredential(out var credential, out var proof) || (proof is null && signedBody is not null))
            return Deny(HttpRefusal.AskForNonce);
        var bodyHash = signedBody is null ? null : await signedBody.HashAsync(Request, Context.RequestAborted);
        if (signedBody is not null && bodyHash is null)
            return Deny(HttpRefusal.BodyTooLong);

        var certificate = Context.Connection.ClientCertificate is { } shown ? Sha256.Hash(shown.RawDataMemory.Span) : (Hash?)null;
        var verdict = await verifier.VerifyAsync(
            new ToolRequest(credential, proof, Request.Method, RequestUrl(), Options.Audience, action, certificate, bodyHash), Context.RequestAborted);
        if (verdict.Agent is not { } agent)
            return Deny(HttpRefusal.Of(verdict.Reason));
        new RunningRequest(Context, Logger).Begin(verifier, verdict, action);
        Context.Features.Set(new LetInFor(action));
        Response.Headers[HttpRefusal.NonceHeader] = verifier.Nonces.Current();
        return AuthenticateResult.Success(new AuthenticationTicket(PrincipalOf(agent), Scheme.Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers[HttpRefusal.NonceHeader] = verifier.Nonces.Current();
        Response.Headers.CacheControl = "no-store";
        if (GrpcCall.IsOne(Request))
            GrpcCall.Refuse(Response, _refusal.Status, _refusal.Title, _refusal.Reason);
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
        Response.StatusCode = _refusal.Status;
        if (_refusal.Challenge is { } challenge)
            Response.Headers.Append("WWW-Authenticate", challenge);
        if (_refusal.Status == StatusCodes.Status503ServiceUnavailable)
            Response.Headers.RetryAfter = "1";
        Response.ContentType = HttpRefusal.ProblemType;
        Response.BodyWriter.Write(Encoding.UTF8.GetBytes(_refusal.ToProblem()));
    }

    private AuthenticateResult Deny(HttpRefusal refusal)
    {
        _refusal = refusal;
        return AuthenticateResult.Fail(refusal.Reason);
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
}
