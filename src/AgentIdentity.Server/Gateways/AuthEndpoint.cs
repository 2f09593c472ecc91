using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Http;
using AgentIdentity.Server.Telemetry;

namespace AgentIdentity.Server.Gateways;

/// <summary>
/// <c>GET /auth</c>, what gateways ask that forward a request's headers and let it through on 200: nginx (auth_request), Caddy (forward_auth), Traefik (ForwardAuth). The gateway is known by its client certificate.
/// docs/operations.md, "Gateways".
/// </summary>
internal sealed class AuthEndpoint(RegistryNode registry, GatewayDecisions decisions, CertificateCallers certificates, Quotas quotas, WorkSlots slots, CallMetrics metrics)
{
    public const string Path = "/auth";

    private const string MethodHeader = "X-Forwarded-Method";
    private const string TargetHeader = "X-Forwarded-Uri";
    private const string ProofHeader = "DPoP";

    public void Map(IEndpointRouteBuilder routes) => routes.MapMethods(Path, PublicEndpoints.Reads, AnswerAsync).WithMetadata(new ServedOn(Listeners.Http));

    private async Task AnswerAsync(HttpContext context)
    {
        // What is decided here is good for one request.
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            quotas.RequireFor(context.Connection.RemoteIpAddress);
            if (!await slots.TryRunAsync(DecideAsync, context))
                throw new CallRefusedException(Refusal.Overloaded, "More calls are waiting than can be served soon; try again later.");
        }
        catch (CallRefusedException refused)
        {
            // To a gateway 401 and 403 are words about the agent: that it cannot be told is none of these.
            metrics.Refused(Path, refused.Refusal.Name());
            await RefuseAsync(context.Response, new HttpRefusal(StatusCodes.Status503ServiceUnavailable, refused.Message, refused.Refusal.Name()));
        }
    }

    private Task DecideAsync(HttpContext context)
    {
        var gateway = Gateway(context);
        var request = context.Request;
        var rule = RouteRule.Read(name => Optional(request.Query, name));
        var held = HeldRequest.Read(rule, Single(request, MethodHeader), Single(request, TargetHeader), Single(request, "Authorization"), Single(request, ProofHeader), certificate: null);
        var answer = decisions.Decide(gateway, held, rule);
        var response = context.Response;
        response.Headers[HttpRefusal.NonceHeader] = decisions.Nonce;
        response.Headers[GatewayAnswer.EpochHeader] = answer.Epoch.ToString();
        if (answer.Refusal is { } refusal)
            return RefuseAsync(response, refusal);
        response.Headers[GatewayAnswer.DidHeader] = decisions.DidOf(answer.Presented!);
        response.Headers[GatewayAnswer.CredentialHeader] = answer.Presented!.Claims.Jti.ToString();
        return Task.CompletedTask;
    }

    private static Task RefuseAsync(HttpResponse response, HttpRefusal refusal)
    {
        response.StatusCode = refusal.Status;
        if (refusal.Challenge is { } challenge)
            response.Headers.WWWAuthenticate = challenge;
        response.ContentType = HttpRefusal.ProblemType;
        return response.WriteAsync(refusal.ToProblem());
    }

    private CallerRecord Gateway(HttpContext context)
    {
        if (!registry.State.IsBootstrapped)
            throw new CallRefusedException(Refusal.NotBootstrapped, "This registry has no operators yet.");
        if (context.Connection.ClientCertificate is not { } certificate || !certificates.TryReadKey(certificate, out var key))
            throw new CallRefusedException(Refusal.CallerUnknown, "A gateway shows a client certificate, of a P-256 or Ed25519 key that is registered for an enforcer.");
        quotas.RequireFor(key.KeyId);
        var caller = certificates.Require(key.KeyId);
        return caller is { Role: CallerRole.Enforcer, Passkey: null } ? caller : throw new CallRefusedException(Refusal.NotPermitted, $"{Path} is for enforcers, and {caller.Name} is none.");
    }

    private static string Single(HttpRequest request, string name) => request.Headers[name] is [{ } one] ? one : "";

    private static string? Optional(IQueryCollection query, string name) => query[name] switch
    {
        [] => null,
        [{ Length: > 0 } one] => one,
        _ => throw CallRefusedException.Malformed($"The gateway's address for {Path} names {name} once, or not at all."),
    };
}
