using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

/// <summary>Calls of an agent to a gRPC tool, which asks for what a registry asks for: the fake stands for one.</summary>
public sealed class AgentCallInterceptorTests : IAsyncLifetime
{
    private readonly ManualTime _clock = new();
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);
    private FakeRegistry _tool = null!;
    private GrpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        _tool = await FakeRegistry.StartAsync(_clock);
        _tool.AgentKey = _key.PublicKey;
        _channel = GrpcChannel.ForAddress(_tool.GrpcUrl);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _tool.DisposeAsync();
    }

    [Fact]
    public async Task A_call_to_a_tool_shows_the_credential_with_a_proof_and_learns_the_tools_nonce()
    {
        await Client().IssueAsync(new IssueRequest(), deadline: Soon());
        Assert.Equal(2, _tool.Calls.Count);
        Assert.Equal(Sha256.Hash("a-credential"u8).ToBase64Url(), _tool.LastProof!.CredentialHash);
    }

    [Fact]
    public async Task A_tools_refusal_is_not_taken_for_the_registrys()
    {
        _tool.Trouble = _tool.Refuse(StatusCode.PermissionDenied, Refusal.AgentFrozen);
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await Client().IssueAsync(new IssueRequest(), deadline: Soon()));
        Assert.Equal(StatusCode.PermissionDenied, failure.StatusCode);
    }

    [Fact]
    public async Task A_call_that_is_disposed_of_while_it_waits_for_a_credential_is_not_sent()
    {
        var credential = new TaskCompletionSource<string>();
        var call = Client(_ => new ValueTask<string>(credential.Task)).IssueAsync(new IssueRequest(), deadline: Soon());
        call.Dispose();
        credential.SetResult("a-credential");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
        Assert.Empty(_tool.Calls);
    }

    private V1.Credentials.CredentialsClient Client(CredentialSource? credentials = null) =>
        new(_channel.Intercept(new AgentCallInterceptor(_key, credentials ?? (_ => ValueTask.FromResult("a-credential")), FakeRegistry.PublicUrl, _clock)));

    private static DateTime Soon() => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20);
}
