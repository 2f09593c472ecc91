using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using AgentIdentity.AspNetCore;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Watch;
using AgentIdentity.Tests.Wire;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>What must be shown beside a credential at a tool over TLS: a proof, a proof over the body, or the client certificate that the credential is bound to.</summary>
public sealed class PossessionTests : IAsyncLifetime
{
    private const int BodyMax = 100;
    private const int FrameSize = 5;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-tool-");
    private readonly PrivateKey _agentKey = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly ECDsa _channelKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ScriptedRegistry _registry = new(TimeProvider.System);
    private X509Certificate2 _certificate = null!;
    private WatchHost _host = null!;
    private WebApplication _tool = null!;

    private Uri Address => new(_tool.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private string Plain => _registry.Issue(_agentKey.PublicKey, ScriptedRegistry.Id(100));

    private string Bound => _registry.Issue(_agentKey.PublicKey, ScriptedRegistry.Id(100), claims => claims with { Certificate = Sha256.Hash(_certificate.RawData) });

    public async Task InitializeAsync()
    {
        using var toolKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        await File.WriteAllBytesAsync(Path.Combine(_folder.FullName, "key"), toolKey.ToKeyFile(""));
        _certificate = SelfSigned.Create(_channelKey);
        _host = await WatchHost.StartAsync(_registry);
        _tool = await StartToolAsync();
        // Proofs made in the second in which the tool started may be from before.
        await Task.Delay(TimeSpan.FromSeconds(1.1));
    }

    public async Task DisposeAsync()
    {
        await _tool.DisposeAsync();
        await _host.DisposeAsync();
        _certificate.Dispose();
        _channelKey.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task What_cannot_be_undone_needs_a_proof_over_the_very_bytes_of_the_body()
    {
        using var signing = Agent(Plain, signsBodies: true);
        var done = await signing.PostAsync(new Uri(Address, "/delete"), new StringContent("everything"));
        Assert.Equal((HttpStatusCode.OK, "everything"), (done.StatusCode, await done.Content.ReadAsStringAsync()));
        Assert.Equal(HttpStatusCode.OK, (await signing.PostAsync(new Uri(Address, "/delete"), null)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await signing.GetAsync(new Uri(Address, "/weather"))).StatusCode);

        using var careless = Agent(Plain, signsBodies: false);
        Assert.Equal(HttpStatusCode.OK, (await careless.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        await AssertRefusedAsync(await careless.PostAsync(new Uri(Address, "/delete"), new StringContent("everything")), HttpStatusCode.Unauthorized, "BODY_MISMATCH");
        using var changed = Agent(Plain, signsBodies: true, new Changing("everything else"));
        await AssertRefusedAsync(await changed.PostAsync(new Uri(Address, "/delete"), new StringContent("everything")), HttpStatusCode.Unauthorized, "BODY_MISMATCH");
    }

    [Fact]
    public async Task What_cannot_be_undone_over_gRPC_needs_a_proof_over_the_message_of_the_call()
    {
        using var channel = GrpcChannel.ForAddress(Address, new GrpcChannelOptions { HttpHandler = Connection(null) });
        Assert.Equal("everything", (await Caller(channel).ResolveDidAsync(new ResolveDidRequest { Did = "everything" })).DidDocument);
        await AssertRefusedAsync(StatusCode.ResourceExhausted, Refusal.MessageTooLarge, Caller(channel).ResolveDidAsync(new ResolveDidRequest { Did = new string('e', BodyMax) }));
        // A letter of the message, and the frame's word that it is compressed.
        foreach (var place in new[] { FrameSize + 4, 0 })
        {
            using var between = GrpcChannel.ForAddress(Address, new GrpcChannelOptions { HttpHandler = new ChangingByte(place) });
            await AssertRefusedAsync(StatusCode.Unauthenticated, Refusal.BodyMismatch, Caller(between).ResolveDidAsync(new ResolveDidRequest { Did = "everything" }));
        }
    }

    [Theory]
    [InlineData(BodyMax, HttpStatusCode.OK)]
    [InlineData(BodyMax + 1, HttpStatusCode.RequestEntityTooLarge)]
    [InlineData(500_000, HttpStatusCode.RequestEntityTooLarge)]
    public async Task A_body_that_is_longer_than_a_proof_may_cover_is_refused_whether_its_length_is_told_or_not(int length, HttpStatusCode expected)
    {
        using var signing = Agent(Plain, signsBodies: true);
        foreach (var isChunked in new[] { false, true })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Address, "/delete")) { Content = new ByteArrayContent(new byte[length]) };
            request.Headers.TransferEncodingChunked = isChunked;
            Assert.Equal(expected, (await signing.SendAsync(request)).StatusCode);
        }
    }

    [Fact]
    public async Task A_credential_that_is_bound_to_a_certificate_is_let_in_on_its_connections_without_a_proof()
    {
        using var client = Client(_certificate, new AuthenticationHeaderValue("Bearer", Bound));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        await AssertRefusedAsync(await client.PostAsync(new Uri(Address, "/delete"), new StringContent("x")), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");
    }

    [Fact]
    public async Task On_any_other_connection_it_is_refused_with_a_proof_as_without()
    {
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherCertificate = SelfSigned.Create(otherKey);
        // Of the same key, and still another.
        using var renewed = SelfSigned.Create(_channelKey);
        foreach (var wrong in new[] { otherCertificate, renewed })
        {
            using var client = Client(wrong, new AuthenticationHeaderValue("Bearer", Bound));
            await AssertRefusedAsync(await client.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Unauthorized, "CERTIFICATE_MISMATCH");
            using var proving = Agent(Bound, signsBodies: false, Connection(wrong));
            await AssertRefusedAsync(await proving.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Unauthorized, "CERTIFICATE_MISMATCH");
        }
        using var nobody = Client(null, new AuthenticationHeaderValue("Bearer", Bound));
        await AssertRefusedAsync(await nobody.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");
        using var bare = Agent(Bound, signsBodies: false);
        await AssertRefusedAsync(await bare.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Unauthorized, "CERTIFICATE_MISMATCH");
        using var both = Agent(Bound, signsBodies: false, Connection(_certificate));
        Assert.Equal(HttpStatusCode.OK, (await both.GetAsync(new Uri(Address, "/weather"))).StatusCode);
    }

    [Fact]
    public async Task A_credential_that_is_bound_to_a_key_alone_needs_its_proof_whatever_certificate_is_shown()
    {
        using var client = Client(_certificate, new AuthenticationHeaderValue("Bearer", Plain));
        await AssertRefusedAsync(await client.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Unauthorized, "CERTIFICATE_MISMATCH");
        using var proving = Agent(Plain, signsBodies: false, Connection(_certificate));
        Assert.Equal(HttpStatusCode.OK, (await proving.GetAsync(new Uri(Address, "/weather"))).StatusCode);
    }

    private async Task<WebApplication> StartToolAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
        {
            https.ServerCertificate = _certificate;
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (_, _, _) => true;
        })));
        builder.Services.AddGrpc();
        builder.Services.AddAgentIdentity(options =>
        {
            options.RegistryUrl = _host.GrpcUrl;
            options.RegistryPublicUrl = ScriptedRegistry.PublicUrl;
            options.Audience = ScriptedRegistry.Audience;
            options.KeyFile = Path.Combine(_folder.FullName, "key");
        });
        var tool = builder.Build();
        tool.UseAgentIdentity();
        tool.MapGet("/weather", () => "clear").RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/weather");
        tool.MapPost("/delete", async (HttpRequest request) => await new StreamReader(request.Body).ReadToEndAsync())
            .RequireAgent("tool", "write", $"{ScriptedRegistry.Audience}/notes").RequireSignedBody(BodyMax);
        tool.MapGrpcService<Echo>().RequireAgent("tool", "write", $"{ScriptedRegistry.Audience}/notes").RequireSignedBody(BodyMax);
        await tool.StartAsync();
        return tool;
    }

    private HttpClient Agent(string credential, bool signsBodies, HttpMessageHandler? inner = null) =>
        new(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(credential), inner ?? Connection(null)) { SignsBodies = signsBodies });

    private Protocol.V1.Registry.RegistryClient Caller(GrpcChannel channel) =>
        new(channel.Intercept(new AgentCallInterceptor(_agentKey, _ => ValueTask.FromResult(Plain), Address.GetLeftPart(UriPartial.Authority))));

    private static HttpClient Client(X509Certificate2? certificate, AuthenticationHeaderValue authorization)
    {
        var client = new HttpClient(Connection(certificate));
        client.DefaultRequestHeaders.Authorization = authorization;
        return client;
    }

    private static SocketsHttpHandler Connection(X509Certificate2? certificate) => new()
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
            // The tool is this test's own, on loopback.
#pragma warning disable CA5359
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        },
    };

    private static async Task AssertRefusedAsync(HttpResponseMessage response, HttpStatusCode status, string reason)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(reason, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString());
    }

    private static async Task AssertRefusedAsync<T>(StatusCode status, Refusal reason, AsyncUnaryCall<T> call)
    {
        using (call)
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
            Assert.Equal((status, (Refusal?)reason), (refused.StatusCode, RegistryRefusedException.From(refused)?.Refusal));
        }
    }

    /// <summary>A gRPC tool; which service it has does not matter.</summary>
    private sealed class Echo : Protocol.V1.Registry.RegistryBase
    {
        public override Task<ResolveDidResponse> ResolveDid(ResolveDidRequest request, ServerCallContext context) => Task.FromResult(new ResolveDidResponse { DidDocument = request.Did });
    }

    /// <summary>The same between an agent and a gRPC tool.</summary>
    private sealed class ChangingByte(int place) : DelegatingHandler(Connection(null))
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            body[place] ^= 1;
            var changed = new ByteArrayContent(body);
            changed.Headers.ContentType = request.Content.Headers.ContentType;
            request.Content = changed;
            return await base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>Somebody between the agent and the tool, who has the connection.</summary>
    private sealed class Changing(string body) : DelegatingHandler(Connection(null))
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var own = request.Content;
            request.Content = new StringContent(body);
            var response = await base.SendAsync(request, cancellationToken);
            // What the agent signs when it is asked again.
            request.Content = own;
            return response;
        }
    }
}
