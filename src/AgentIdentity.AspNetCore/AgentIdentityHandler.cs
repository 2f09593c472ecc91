using System.Security.Claims;
using System.Text.Encodings.Web;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AgentIdentity.AspNetCore;

/// <summary>
/// Lets an agent in when the registry says so, now and for this request: credential, key proof, nonce, audience, stop state and the endpoint's action.
/// Whatever goes wrong keeps it out.
/// </summary>
internal sealed class AgentIdentityHandler(IOptionsMonitor<AgentIdentityOptions> options, ILoggerFactory logger, UrlEncoder encoder, Enforcer enforcer)
    : AuthenticationHandler<AgentIdentityOptions>(options, logger, encoder)
{
    private const string CredentialPrefix = "DPoP ";
    private const string NonceName = "DPoP-Nonce";

    // What to answer when the agent is kept out.
    private Denial _denial = Denial.AskForNonce;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Only endpoints that say what they do are guarded; for the others no proof is used up.
        if (Context.GetEndpoint()?.Metadata.GetMetadata<AgentAction>() is not { } action)
            return AuthenticateResult.NoResult();
        if (Request.Headers.Authorization is not [{ } authorization] || !authorization.StartsWith(CredentialPrefix, StringComparison.OrdinalIgnoreCase)
            || Request.Headers["DPoP"] is not [{ } proof])
            return Deny(Denial.AskForNonce);

        var refusal = KeyProof.Read(proof, TimeProvider.GetUtcNow(), out var presented);
        if (refusal != Refusal.None)
            return Deny(Denial.BadProof(refusal));
        if (!enforcer.Nonces.IsGood(presented!.Nonce))
            return Deny(Denial.AskForNonce);

        return await AskAsync(new VerifyRequest
        {
            Credential = authorization[CredentialPrefix.Length..],
            Proof = proof,
            Method = Request.Method,
            Url = RequestUrl(),
            Nonce = presented.Nonce,
            Audience = Options.Audience,
            Action = new Protocol.V1.Action { Type = action.Type, Action_ = action.Action, Location = action.Location },
        });
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = _denial.Status;
        if (_denial.Status == StatusCodes.Status401Unauthorized)
            Response.Headers.WWWAuthenticate = $"DPoP error=\"{_denial.Error}\", algs=\"ES256 EdDSA\"";
        if (_denial.Status == StatusCodes.Status503ServiceUnavailable)
            Response.Headers.RetryAfter = "1";
        Response.Headers[NonceName] = enforcer.Nonces.Current();
        Response.Headers.CacheControl = "no-store";
        var problem = new { type = "about:blank", title = _denial.Title, status = _denial.Status, reason = _denial.Reason };
        await Response.WriteAsJsonAsync(problem, options: null, contentType: "application/problem+json", Context.RequestAborted);
    }

    private async Task<AuthenticateResult> AskAsync(VerifyRequest request)
    {
        try
        {
            var verdict = await enforcer.VerifyAsync(request, Context.RequestAborted);
            if (!verdict.Allowed)
                return Deny(Denial.Refused(verdict.Reason));
            if (verdict.RelyUntil <= TimeProvider.GetUtcNow().ToUnixTimeMilliseconds())
                return Deny(Denial.Refused(Refusal.CredentialExpired.Name()));
            Response.Headers[NonceName] = enforcer.Nonces.Current();
            return AuthenticateResult.Success(new AuthenticationTicket(PrincipalOf(verdict.Presented), Scheme.Name));
        }
        catch (RegistryRefusedException refusal)
        {
            // The registry refuses to answer this tool, which is for its operators to mend; no agent can.
            Logger.LogError("The registry does not answer this tool: {Reason}, {Detail}", refusal.Reason, refusal.Detail);
            return Deny(Denial.NoAnswer);
        }
        catch (CheckpointContradictedException contradicted)
        {
            Logger.LogCritical("The registry is not the one that this tool knew, and is not asked: {Message} Keep {EvidenceFile}", contradicted.Message, contradicted.EvidenceFile);
            return Deny(Denial.NoAnswer);
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Logger.LogError("What this tool remembers of the registry's log cannot be read or written: {Message}", failure.Message);
            return Deny(Denial.NoAnswer);
        }
        catch (RpcException failure)
        {
            Logger.LogWarning("The registry cannot be asked: {Status}", failure.Status);
            return Deny(Denial.NoAnswer);
        }
    }

    private AuthenticateResult Deny(Denial denial)
    {
        _denial = denial;
        return AuthenticateResult.Fail(denial.Reason);
    }

    // The path as it was sent: decoded and encoded again, it could be another text than the one in the proof.
    private string RequestUrl()
    {
        var target = Context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var end = target.AsSpan().IndexOfAny('?', '#');
        return (Options.OwnUrl ?? $"{Request.Scheme}://{Request.Host.Value}") + (end < 0 ? target : target[..end]);
    }

    private ClaimsPrincipal PrincipalOf(Presented agent) => new(new ClaimsIdentity(
        [
            new Claim(AgentIdentityDefaults.DidClaim, agent.Did),
            new Claim(AgentIdentityDefaults.SponsorClaim, agent.Sponsor),
            new Claim(AgentIdentityDefaults.BlueprintClaim, agent.Blueprint),
            new Claim(AgentIdentityDefaults.CredentialClaim, agent.Jti),
            .. agent.Chain.Select(above => new Claim(AgentIdentityDefaults.SuperiorClaim, above.Did)),
        ],
        Scheme.Name,
        AgentIdentityDefaults.DidClaim,
        roleType: null));

    /// <summary>An answer to an agent that is kept out.</summary>
    /// <param name="Status">HTTP.</param>
    /// <param name="Title">For people.</param>
    /// <param name="Reason">A stable name.</param>
    /// <param name="Error">RFC 9449, with 401.</param>
    private sealed record Denial(int Status, string Title, string Reason, string Error = "")
    {
        public static readonly Denial AskForNonce = new(
            StatusCodes.Status401Unauthorized, "A credential is needed, with a key proof that carries the nonce in DPoP-Nonce.", Refusal.UseDpopNonce.Name(), "use_dpop_nonce");

        public static readonly Denial NoAnswer = new(
            StatusCodes.Status503ServiceUnavailable, "Whether the credential is good cannot be found out now.", "REGISTRY_UNREACHABLE");

        public static Denial BadProof(Refusal refusal) =>
            new(StatusCodes.Status401Unauthorized, "The key proof is not a good one.", refusal.Name(), "invalid_dpop_proof");

        public static Denial Refused(string reason) => new(StatusCodes.Status403Forbidden, "The registry does not let this request through.", reason);
    }
}
