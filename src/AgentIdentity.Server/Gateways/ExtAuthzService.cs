using System.Security.Cryptography;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using AgentIdentity.Server.Grpc;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Envoy.Type.V3;
using Grpc.Core;
using GrpcCode = Grpc.Core.StatusCode;
using HttpCode = Envoy.Type.V3.StatusCode;

namespace AgentIdentity.Server.Gateways;

/// <summary><c>envoy.service.auth.v3.Authorization</c>: what Envoy asks, and what speaks its ext_authz. docs/operations.md, "Gateways".</summary>
internal sealed class ExtAuthzService(GatewayDecisions decisions) : Authorization.AuthorizationBase
{
    private const string CredentialName = "authorization";
    private const string ProofName = "dpop";

    public override Task<CheckResponse> Check(CheckRequest request, ServerCallContext context)
    {
        var asked = request.Attributes ?? new AttributeContext();
        var rule = RouteRule.Read(name => asked.ContextExtensions.GetValueOrDefault(name));
        var http = asked.Request?.Http ?? new AttributeContext.Types.HttpRequest();
        var held = HeldRequest.Read(rule, http.Method, http.Path, http.Headers.GetValueOrDefault(CredentialName, ""), http.Headers.GetValueOrDefault(ProofName, ""), Certificate(asked.Source));
        var answer = decisions.Decide(CallState.Of(context).Caller!, held, rule);
        return Task.FromResult(answer.Refusal is { } refusal ? Denied(refusal, answer) : Allowed(answer));
    }

    // URL-encoded PEM. Of several the first is the agent's own.
    private static Hash? Certificate(AttributeContext.Types.Peer? source)
    {
        if (source is not { Certificate.Length: > 0 })
            return null;
        var pem = Uri.UnescapeDataString(source.Certificate);
        if (!PemEncoding.TryFind(pem, out var found) || pem[found.Label] != "CERTIFICATE")
            throw CallRefusedException.Malformed("attributes.source.certificate is no certificate.");
        return Sha256.Hash(Convert.FromBase64String(pem[found.Base64Data]));
    }

    private CheckResponse Denied(HttpRefusal refusal, GatewayAnswer answer)
    {
        var denied = new DeniedHttpResponse
        {
            Status = new HttpStatus { Code = (HttpCode)refusal.Status },
            Body = refusal.ToProblem(),
            Headers = { Header("content-type", HttpRefusal.ProblemType), Header("cache-control", "no-store"), Header(HttpRefusal.NonceHeader, decisions.Nonce), Header(GatewayAnswer.EpochHeader, answer.Epoch.ToString()) },
        };
        if (refusal.Challenge is { } challenge)
            denied.Headers.Add(Header("www-authenticate", challenge));
        var code = refusal.Status switch { 401 => GrpcCode.Unauthenticated, 403 => GrpcCode.PermissionDenied, _ => GrpcCode.Unavailable };
        return new CheckResponse { Status = new Google.Rpc.Status { Code = (int)code, Message = refusal.Reason }, DeniedResponse = denied };
    }

    // Credential and proof were for this gateway: the service behind it has no use for them.
    private CheckResponse Allowed(GatewayAnswer answer) => new()
    {
        Status = new Google.Rpc.Status { Code = (int)GrpcCode.OK },
        OkResponse = new OkHttpResponse
        {
            Headers =
            {
                Header(GatewayAnswer.DidHeader, decisions.DidOf(answer.Presented!)),
                Header(GatewayAnswer.CredentialHeader, answer.Presented!.Claims.Jti.ToString()),
                Header(GatewayAnswer.EpochHeader, answer.Epoch.ToString()),
            },
            HeadersToRemove = { CredentialName, ProofName },
            ResponseHeadersToAdd = { Header(HttpRefusal.NonceHeader, decisions.Nonce) },
        },
    };

    // In the place of one that the agent has sent, or the service: only ours is believed.
    private static HeaderValueOption Header(string name, string value) => new()
    {
        Header = new HeaderValue { Key = name.ToLowerInvariant(), Value = value },
        AppendAction = HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd,
    };
}
