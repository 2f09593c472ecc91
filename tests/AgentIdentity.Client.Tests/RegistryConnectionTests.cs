using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

public sealed class RegistryConnectionTests : IAsyncLifetime
{
    private readonly ManualTime _clock = new();
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private FakeRegistry _registry = null!;

    public async Task InitializeAsync()
    {
        _registry = await FakeRegistry.StartAsync(_clock);
        _registry.AgentKey = _key.PublicKey;
    }

    public Task DisposeAsync() => _registry.DisposeAsync().AsTask();

    [Fact]
    public async Task The_first_call_is_sent_again_with_the_nonce_that_its_refusal_brought_and_the_next_ones_are_not()
    {
        using var connection = _registry.Connect(_key);
        await connection.Credentials.IssueAsync(new IssueRequest());
        Assert.Equal(["Issue", "Issue"], _registry.Calls);

        await connection.Credentials.IssueAsync(new IssueRequest());
        Assert.Equal(3, _registry.Calls.Count);
    }

    [Fact]
    public async Task A_connection_that_dies_without_a_word_is_not_used_for_every_later_call()
    {
        using var relay = new Relay(_registry.GrpcUrl);
        using var connection = new RegistryConnection(_registry.Options() with { GrpcUrl = relay.Url }, _key);
        await connection.Credentials.IssueAsync(new IssueRequest());
        relay.Freeze();
        for (var i = 0; i < 15; i++)
        {
            var deadline = TimeProvider.System.GetUtcNow().UtcDateTime + TimeSpan.FromSeconds(2);
            if (await Record.ExceptionAsync(async () => await connection.Credentials.IssueAsync(new IssueRequest(), deadline: deadline)) is null)
                return;
        }
        Assert.Fail("No call was answered any more.");
    }

    [Fact]
    public async Task The_largest_answer_has_room_in_its_stream_so_that_none_costs_the_next_call_its_answer()
    {
        const int preface = 24, frameHeader = 9, setting = 6, initialWindowSize = 4;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var connection = new RegistryConnection(_registry.Options() with { GrpcUrl = $"http://{listener.LocalEndpoint}" }, _key);
        using var call = connection.Credentials.IssueAsync(new IssueRequest());
        using var client = await listener.AcceptTcpClientAsync();
        var head = new byte[preface + frameHeader];
        await client.GetStream().ReadExactlyAsync(head);
        var settings = new byte[BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(preface + 1))];
        await client.GetStream().ReadExactlyAsync(settings);
        var window = settings.Chunk(setting).Single(one => BinaryPrimitives.ReadUInt16BigEndian(one) == initialWindowSize);
        Assert.Equal(16 * 1024 * 1024, BinaryPrimitives.ReadInt32BigEndian(window.AsSpan(2)));
    }

    [Fact]
    public async Task A_call_is_sent_again_once_only()
    {
        _registry.RefusesEveryNonce = true;
        using var connection = _registry.Connect(_key);
        var refusal = await Assert.ThrowsAsync<RegistryRefusedException>(async () => await connection.Credentials.IssueAsync(new IssueRequest()));
        Assert.Equal(Refusal.UseDpopNonce, refusal.Refusal);
        Assert.Equal(2, _registry.Calls.Count);
    }

    [Fact]
    public async Task A_nonce_is_learnt_from_the_trailers_of_an_answer_too()
    {
        using var connection = _registry.Connect(_key);
        var call = connection.Credentials.RenewAsync(new RenewRequest { Credential = "x" });
        await call;
        Assert.Equal(_registry.Challenge, call.GetTrailers().GetValue("dpop-nonce"));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.NotNull(await call.ResponseHeadersAsync);
    }

    [Fact]
    public async Task The_proof_names_the_method_the_public_url_and_the_hash_of_the_message()
    {
        var request = new IssueRequest { LifetimeSeconds = 400, Audience = { "https://tool.example" } };
        using var connection = _registry.Connect(_key);
        await connection.Credentials.IssueAsync(request);

        var proof = _registry.LastProof!;
        Assert.Equal("POST", proof.Method);
        Assert.Equal("http://localhost:5000/agentidentity.v1.Credentials/Issue", proof.Url);
        Assert.Equal(Sha256.Hash(request.ToByteArray()).ToBase64Url(), proof.BodyHash);
        Assert.Null(proof.CredentialHash);
    }

    [Fact]
    public async Task A_credential_goes_with_a_proof_that_is_bound_to_it()
    {
        using var connection = _registry.Connect(_key, _ => ValueTask.FromResult("a-credential"));
        await connection.Credentials.IssueAsync(new IssueRequest());
        Assert.Equal(Sha256.Hash("a-credential"u8).ToBase64Url(), _registry.LastProof!.CredentialHash);
    }

    [Fact]
    public async Task A_refusal_says_its_name_sentence_status_and_when_to_come_again()
    {
        _registry.Trouble = _registry.Refuse(StatusCode.ResourceExhausted, Refusal.Overloaded, "Too much at once.", TimeSpan.FromSeconds(7));
        using var connection = _registry.Connect(_key);
        var refusal = await Assert.ThrowsAsync<RegistryRefusedException>(async () => await connection.Credentials.IssueAsync(new IssueRequest()));
        Assert.Equal("OVERLOADED", refusal.Reason);
        Assert.Equal(Refusal.Overloaded, refusal.Refusal);
        Assert.Equal("Too much at once.", refusal.Detail);
        Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(7), refusal.RetryAfter);
        Assert.True(refusal.IsTransient);
    }

    [Fact]
    public async Task A_name_that_a_newer_registry_gave_is_kept_as_text()
    {
        _registry.Trouble = RefusedCalls.Make(StatusCode.PermissionDenied, "MOON_NOT_FULL", "Wait.");
        using var connection = _registry.Connect(_key);
        var refusal = await Assert.ThrowsAsync<RegistryRefusedException>(async () => await connection.Credentials.IssueAsync(new IssueRequest()));
        Assert.Equal("MOON_NOT_FULL", refusal.Reason);
        Assert.Null(refusal.Refusal);
        Assert.False(refusal.IsTransient);
    }

    [Fact]
    public async Task Errors_that_are_not_the_registrys_stay_errors_of_the_transport()
    {
        using var connection = _registry.Connect(_key);
        _registry.Trouble = RefusedCalls.Make(StatusCode.PermissionDenied, "AGENT_FROZEN", "Says a proxy.", domain: "proxy.example");
        await Assert.ThrowsAsync<RpcException>(async () => await connection.Credentials.IssueAsync(new IssueRequest()));

        _registry.Trouble = new RpcException(new Status(StatusCode.Internal, ""), new Metadata { { "grpc-status-details-bin", [0xff, 0xff] } });
        await Assert.ThrowsAsync<RpcException>(async () => await connection.Credentials.IssueAsync(new IssueRequest()));

        await _registry.StopAsync();
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await connection.Credentials.IssueAsync(new IssueRequest()));
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    [Fact]
    public async Task A_call_that_its_caller_cancels_is_a_cancelled_operation()
    {
        using var connection = _registry.Connect(_key, async cancellationToken =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return "";
        });
        using var soon = new CancellationTokenSource();
        var call = connection.Credentials.IssueAsync(new IssueRequest(), cancellationToken: soon.Token);
        await soon.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
    }

    [Fact]
    public void Blocking_calls_are_refused_since_they_could_not_be_signed()
    {
        using var connection = _registry.Connect(_key);
        Assert.Throws<NotSupportedException>(() => connection.Credentials.Issue(new IssueRequest()));
    }

    [Fact]
    public void Calls_to_the_control_listener_need_its_url()
    {
        using var connection = _registry.Connect(_key);
        Assert.Throws<InvalidOperationException>(() => connection.Control);
        Assert.Throws<InvalidOperationException>(() => connection.Admin);
        using var other = new RegistryConnection(_registry.Options() with { ControlUrl = _registry.GrpcUrl }, _key);
        Assert.NotNull(other.Control);
        Assert.NotNull(other.Admin);
    }

    [Theory]
    [InlineData("localhost:5001", FakeRegistry.PublicUrl)]
    [InlineData("ftp://localhost:5001", FakeRegistry.PublicUrl)]
    [InlineData("http://localhost:5001/path", FakeRegistry.PublicUrl)]
    [InlineData("http://localhost:5001", "http://LOCALHOST:5000")]
    public void Wrong_urls_are_refused_at_once(string grpcUrl, string publicUrl) =>
        Assert.Throws<ArgumentException>(() => new RegistryConnection(new ConnectionOptions { GrpcUrl = grpcUrl, PublicUrl = publicUrl }));

    [Fact]
    public async Task A_certificate_counts_only_when_it_is_the_one_to_trust()
    {
        using var certificate = SelfSigned();
        using var stranger = SelfSigned();
        await using var registry = await FakeRegistry.StartAsync(_clock, certificate);
        var folder = Directory.CreateTempSubdirectory();
        var (file, strangersFile) = (Path.Combine(folder.FullName, "own.pem"), Path.Combine(folder.FullName, "stranger.pem"));
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(strangersFile, stranger.ExportCertificatePem());

        Assert.Null(await CallAsync(file));
        Assert.NotNull(await CallAsync(strangersFile));
        Assert.NotNull(await CallAsync(null));
        folder.Delete(recursive: true);

        async Task<StatusCode?> CallAsync(string? trusted)
        {
            using var connection = new RegistryConnection(registry.Options() with { TrustedCertificateFile = trusted });
            try
            {
                await connection.Registry.BeginEnrollAsync(new BeginEnrollRequest());
                return null;
            }
            catch (RpcException failure)
            {
                return failure.StatusCode;
            }
        }
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
