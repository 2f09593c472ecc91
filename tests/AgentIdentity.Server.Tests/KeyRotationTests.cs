using System.Text.Json;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Tests;

/// <summary>Rotation over the wire, with the client library: an agent gets another key while it works, and loses no call for it.</summary>
public sealed class KeyRotationTests : IAsyncLifetime
{
    private readonly PrivateKey _next = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private TestRegistry _registry = null!;
    private TestAgent _agent = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _agent = await _registry.EnrolAsync();
    }

    public async Task DisposeAsync()
    {
        _next.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task A_rotating_keeper_hands_out_a_key_with_a_credential_for_it_before_while_and_after_its_key_is_rotated()
    {
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        await using var keeper = new RotatingKeeper(_registry.Address, _agent.Enrolled.AgentId, _agent.Key, _agent.Enrolled.Credential);
        using var ended = new CancellationTokenSource();
        var calls = Task.Run(() => CallUntilAsync(tool, keeper, ended.Token));
        var keys = new List<PrivateKey>();
        for (var round = 0; round < 3; round++)
        {
            keys.Add(PrivateKey.Generate(round % 2 == 0 ? KeyAlgorithm.Ed25519 : KeyAlgorithm.ES256));
            await keeper.RotateAsync(keys[^1]);
            Assert.Equal(keys[^1].PublicKey, (await keeper.GetAsync()).Key.PublicKey);
        }
        await ended.CancelAsync();

        var seen = await calls;
        Assert.NotEmpty(seen);
        Assert.All(seen, reason => Assert.Equal("NONE", reason));
        Assert.Equal(keys[^1].PublicKey.KeyId, _registry.Host.Registry.State.FindAgent(_agent.Enrolled.AgentId)!.Key.KeyId);
    }

    [Fact]
    public async Task After_a_rotation_the_credential_grants_what_the_last_one_did_and_is_bound_to_the_same_certificate()
    {
        using var asAgent = _agent.Connect();
        var certificate = Sha256.Hash("a client certificate"u8).ToArray();
        var narrow = HeldCredential.From((await asAgent.Credentials.IssueAsync(new IssueRequest { Audience = { TestRegistry.Mail }, CertificateSha256 = ByteString.CopyFrom(certificate) })).Credential);
        await using var keeper = new RotatingKeeper(_registry.Address, _agent.Enrolled.AgentId, _agent.Key, narrow);
        await keeper.RotateAsync(_next);
        var claims = ClaimsOf((await keeper.GetAsync()).Credential!);
        Assert.Equal(TestRegistry.Mail, Assert.Single(claims.GetProperty("aud").EnumerateArray()).GetString());
        Assert.Equal(CanonicalBase64Url.Encode(certificate), claims.GetProperty("cnf").GetProperty("x5t#S256").GetString());
        Assert.Equal(_next.PublicKey.KeyId.ToString(), claims.GetProperty("cnf").GetProperty("jkt").GetString());
    }

    [Fact]
    public async Task The_old_key_calls_nobody_at_the_registry_and_its_credential_goes_on_for_its_minutes()
    {
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        using var open = _registry.Connect();
        using var old = _agent.Connect();
        await AgentKeyRotation.RotateAsync(open, _agent.Enrolled.AgentId, _agent.Key, _next);
        await AgentKeyRotation.RotateAsync(open, _agent.Enrolled.AgentId, _agent.Key, _next);

        await Refused.BecauseAsync(Refusal.KeyRotated, StatusCode.PermissionDenied, old.Credentials.IssueAsync(new IssueRequest()));
        await Refused.BecauseAsync(Refusal.KeyRotated, StatusCode.PermissionDenied, old.Credentials.RenewAsync(new RenewRequest { Credential = _agent.Credential }));
        await Refused.BecauseAsync(Refusal.KeyRotated, StatusCode.PermissionDenied, open.Ledger.RecordAsync(_agent.NextStatement()));
        Assert.True((await tool.Credentials.VerifyAsync(_agent.Presents())).Allowed);
        using var fresh = _registry.Connect(_next);
        var renewed = (await fresh.Credentials.RenewAsync(new RenewRequest { Credential = _agent.Credential })).Credential.Token;
        Assert.True((await tool.Credentials.VerifyAsync(TestAgent.Presents(renewed, _next))).Allowed);
        Assert.Equal("PROOF_KEY_MISMATCH", (await tool.Credentials.VerifyAsync(TestAgent.Presents(renewed, _agent.Key))).Reason);
    }

    [Fact]
    public async Task A_key_that_somebody_copied_is_replaced_by_order_of_an_operator()
    {
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        using var open = _registry.Connect();
        var order = await _registry.AsOperator.Control.ReplaceKeyAsync(new ReplaceKeyRequest { Agent = _agent.Did, Reason = "it was in a backup", Incident = "incident-7" });
        Assert.True(order.HasStopIndex);
        Assert.Equal("KEY_STOPPED", (await tool.Credentials.VerifyAsync(_agent.Presents())).Reason);
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => AgentKeyRotation.ReplaceAsync(open, _agent.Enrolled.AgentId, "air_AAAA", _next));
        Assert.Equal(Refusal.TokenInvalid, refused.Refusal);

        await AgentKeyRotation.ReplaceAsync(open, _agent.Enrolled.AgentId, order.Token, _next);

        using var fresh = _registry.Connect(_next);
        var issued = (await fresh.Credentials.IssueAsync(new IssueRequest())).Credential.Token;
        Assert.True((await tool.Credentials.VerifyAsync(TestAgent.Presents(issued, _next))).Allowed);
        Assert.Equal("KEY_STOPPED", (await tool.Credentials.VerifyAsync(_agent.Presents())).Reason);
    }

    private static JsonElement ClaimsOf(string token)
    {
        var part = token.Split('.')[1];
        var bytes = new byte[CanonicalBase64Url.DecodedLength(part.Length)];
        Assert.True(CanonicalBase64Url.TryDecode(part, bytes, out var written));
        return JsonDocument.Parse(bytes.AsMemory(0, written)).RootElement;
    }

    private static async Task<List<string>> CallUntilAsync(RegistryConnection tool, RotatingKeeper keeper, CancellationToken ended)
    {
        var reasons = new List<string>();
        do
        {
            var (key, credential) = await keeper.GetAsync(CancellationToken.None);
            reasons.Add((await tool.Credentials.VerifyAsync(TestAgent.Presents(credential!, key), cancellationToken: CancellationToken.None)).Reason);
        }
        while (!ended.IsCancellationRequested);
        return reasons;
    }
}
