using System.Security.Cryptography;
using System.Text.Json;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using Envoy.Service.Auth.V3;
using Grpc.Core;
using Grpc.Net.Client;
using Code = Grpc.Core.StatusCode;
using HttpCode = Envoy.Type.V3.StatusCode;

namespace AgentIdentity.Server.Tests.Gateways;

public sealed class ExtAuthzServiceTests : IAsyncLifetime
{
    private const string Origin = "https://gate.example";

    private GatewayWorld _world = null!;
    private GrpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        _world = await GatewayWorld.StartAsync();
        _channel = Channel(_world.Key);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task An_agent_is_denied_with_a_nonce_let_through_with_its_proof_and_denied_once_it_is_stopped()
    {
        var agent = await _world.EnrolAsync(Origin);
        var first = await CheckAsync(Request(agent, Proof(agent, "/notes/1", null)));
        Assert.Equal((Code.Unauthenticated, HttpCode.Unauthorized, "USE_DPOP_NONCE"), Denied(first));
        Assert.Equal("DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA\"", Header(first, "www-authenticate"));
        Assert.Equal("application/problem+json", Header(first, "content-type"));
        var nonce = Header(first, "dpop-nonce");

        var allowed = await CheckAsync(Request(agent, Proof(agent, "/notes/1", nonce)));
        Assert.Equal((int)Code.OK, allowed.Status.Code);
        Assert.Equal(["authorization", "dpop"], allowed.OkResponse.HeadersToRemove);
        Assert.Equal(
            [$"x-agent-did={agent.Did}", $"x-agent-credential={agent.Enrolled.Credential.Jti}"],
            allowed.OkResponse.Headers.Take(2).Select(option => $"{option.Header.Key}={option.Header.Value}"));
        Assert.All(allowed.OkResponse.Headers, option => Assert.Equal(Envoy.Config.Core.V3.HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd, option.AppendAction));
        Assert.Equal("dpop-nonce", Assert.Single(allowed.OkResponse.ResponseHeadersToAdd).Header.Key);

        await _world.Registry.StopAgentAsync(agent.Did);
        Assert.Equal((Code.PermissionDenied, HttpCode.Forbidden, "AGENT_FROZEN"), Denied(await CheckAsync(Request(agent, Proof(agent, "/notes/1", nonce)))));
    }

    [Fact]
    public async Task A_route_says_more_by_its_extensions_than_the_request()
    {
        var agent = await _world.EnrolAsync(Origin);
        var nonce = await NonceAsync(agent);
        var request = Request(agent, Proof(agent, "/anything", nonce), "/anything");
        request.Attributes.ContextExtensions.Add(new Dictionary<string, string> { ["type"] = "documents", ["action"] = "read", ["location"] = "https://tools.example/documents/report" });
        Assert.Equal((int)Code.OK, (await CheckAsync(request)).Status.Code);
        request = Request(agent, Proof(agent, "/anything", nonce), "/anything");
        Assert.Equal((Code.PermissionDenied, HttpCode.Forbidden, "ENVELOPE_EXCEEDED"), Denied(await CheckAsync(request)));
        request.Attributes.ContextExtensions["audience"] = TestRegistry.Mail;
        Assert.Equal(Code.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => CheckAsync(request))).StatusCode);
    }

    [Fact]
    public async Task A_credential_that_is_bound_to_a_client_certificate_is_good_where_the_gateway_has_seen_it()
    {
        var agent = await _world.EnrolAsync(Origin);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = SelfSigned.Create(key);
        using var connection = agent.Connect();
        var issued = await connection.Credentials.IssueAsync(new() { CertificateSha256 = Google.Protobuf.ByteString.CopyFrom(SHA256.HashData(certificate.RawData)) });
        var request = Request(agent, "");
        request.Attributes.Request.Http.Headers["authorization"] = "Bearer " + issued.Credential.Token;
        Assert.Equal((Code.Unauthenticated, HttpCode.Unauthorized, "USE_DPOP_NONCE"), Denied(await CheckAsync(request)));
        request.Attributes.Source = new() { Certificate = Uri.EscapeDataString(certificate.ExportCertificatePem() + "\n") };
        Assert.Equal((int)Code.OK, (await CheckAsync(request)).Status.Code);

        using var other = SelfSigned.Create(key);
        request.Attributes.Source.Certificate = Uri.EscapeDataString(other.ExportCertificatePem());
        Assert.Equal((Code.Unauthenticated, HttpCode.Unauthorized, "CERTIFICATE_MISMATCH"), Denied(await CheckAsync(request)));
        foreach (var broken in new[] { "no certificate", "-----BEGIN CERTIFICATE-----\n%ZZ\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----" })
        {
            request.Attributes.Source.Certificate = broken;
            Assert.Equal(Code.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => CheckAsync(request))).StatusCode);
        }
    }

    [Fact]
    public async Task Who_is_no_gateway_or_does_not_say_which_request_is_told_so_and_lets_nobody_through()
    {
        var agent = await _world.EnrolAsync(Origin);
        var good = Request(agent, Proof(agent, "/notes/1", await NonceAsync(agent)));
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var unknown = Channel(stranger);
        Assert.Equal(Code.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => CheckAsync(good, unknown))).StatusCode);
        foreach (var spoil in new Action<AttributeContext>[] { asked => asked.Request.Http.Method = "", asked => asked.Request.Http.Path = "*", asked => asked.ContextExtensions.Clear(), asked => asked.Request = null })
        {
            var spoilt = good.Clone();
            spoil(spoilt.Attributes);
            Assert.Equal(Code.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => CheckAsync(spoilt))).StatusCode);
        }
        foreach (var empty in new[] { new CheckRequest(), new CheckRequest { Attributes = new() }, new CheckRequest { Attributes = new() { Request = new() } } })
            Assert.Equal(Code.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => CheckAsync(empty))).StatusCode);
        Assert.Equal((int)Code.OK, (await CheckAsync(good)).Status.Code);
    }

    private static (Code, HttpCode, string) Denied(CheckResponse answer)
    {
        Assert.Equal(CheckResponse.HttpResponseOneofCase.DeniedResponse, answer.HttpResponseCase);
        return ((Code)answer.Status.Code, answer.DeniedResponse.Status.Code, JsonDocument.Parse(answer.DeniedResponse.Body).RootElement.GetProperty("reason").GetString()!);
    }

    private static string? Header(CheckResponse answer, string name) => answer.DeniedResponse.Headers.SingleOrDefault(option => option.Header.Key == name)?.Header.Value;

    private static string Proof(TestAgent agent, string path, string? nonce) =>
        KeyProof.Create(agent.Key, new RequestBinding("GET", Origin + path, nonce, Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(agent.Credential)).ToBase64Url()), TimeProvider.System.GetUtcNow());

    // As Envoy asks; the query is no part of what a proof names.
    private static CheckRequest Request(TestAgent agent, string proof, string path = "/notes/1")
    {
        var http = new AttributeContext.Types.HttpRequest { Method = "GET", Path = path + "?sort=up" };
        http.Headers["authorization"] = "DPoP " + agent.Credential;
        if (proof.Length > 0)
            http.Headers["dpop"] = proof;
        return new CheckRequest { Attributes = new AttributeContext { Request = new() { Http = http }, ContextExtensions = { ["origin"] = Origin } } };
    }

    private async Task<string?> NonceAsync(TestAgent agent) => Header(await CheckAsync(Request(agent, Proof(agent, "/notes/1", null))), "dpop-nonce");

    private async Task<CheckResponse> CheckAsync(CheckRequest request, GrpcChannel? channel = null) =>
        await new Authorization.AuthorizationClient(channel ?? _channel).CheckAsync(request, deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30));

    private GrpcChannel Channel(ECDsa key) =>
        GrpcChannel.ForAddress(_world.Registry.GrpcUrl, new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { SslOptions = GatewayWorld.Tls(key) }, DisposeHttpClient = true });
}
