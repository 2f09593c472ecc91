using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>Credentials that are bound to a client certificate, over the wire.</summary>
public sealed class CertificateBindingTests : IAsyncLifetime
{
    private static readonly ByteString Certificate = ByteString.CopyFrom(Sha256.Hash("a certificate"u8).ToArray());

    private TestRegistry _registry = null!;
    private TestAgent _agent = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _agent = await _registry.EnrolAsync();
    }

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_tool_tells_which_certificate_it_was_shown_and_the_registry_holds_the_credential_against_it()
    {
        var bound = await IssueAsync(Certificate);
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "a tool"));
        Assert.Equal("CERTIFICATE_MISMATCH", await AskAsync(_agent.Presents(bound)));
        Assert.Equal("NONE", await AskAsync(_agent.Presents(bound), Certificate));
        var unproven = _agent.Presents(bound);
        unproven.Proof = "";
        Assert.Equal("NONE", await AskAsync(unproven, Certificate));
        var other = _agent.Presents();
        other.Proof = "";
        Assert.Equal("PROOF_MISSING", await AskAsync(other, Certificate));

        async Task<string> AskAsync(VerifyRequest request, ByteString? shown = null)
        {
            request.CertificateSha256 = shown ?? ByteString.Empty;
            return (await tool.Credentials.VerifyAsync(request)).Reason;
        }
    }

    [Fact]
    public async Task An_agent_shows_it_to_the_registry_on_connections_with_the_certificate_only()
    {
        var bound = await IssueAsync(Certificate);
        using var bare = _registry.Connect(_agent.Key, _ => new(bound));
        await Refused.BecauseAsync(Refusal.CertificateMismatch, StatusCode.Unauthenticated, bare.Credentials.IssueAsync(new IssueRequest()));
        var plain = await IssueAsync(ByteString.Empty);
        using var unbound = _registry.Connect(_agent.Key, _ => new(plain));
        Assert.NotEmpty((await unbound.Credentials.IssueAsync(new IssueRequest())).Credential.Token);
    }

    [Fact]
    public async Task A_hash_of_another_length_is_malformed()
    {
        using var connection = _agent.Connect();
        var request = new IssueRequest { CertificateSha256 = ByteString.CopyFrom(new byte[31]) };
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, connection.Credentials.IssueAsync(request));
    }

    private async Task<string> IssueAsync(ByteString certificate)
    {
        using var connection = _agent.Connect();
        return (await connection.Credentials.IssueAsync(new IssueRequest { CertificateSha256 = certificate })).Credential.Token;
    }
}
