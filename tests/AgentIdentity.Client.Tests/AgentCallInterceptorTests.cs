using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using LedgerService = AgentIdentity.Protocol.V1.Ledger;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

/// <summary>Calls of an agent to a gRPC tool, which asks for what a registry asks for: the fake stands for one.</summary>
public sealed class AgentCallInterceptorTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

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
    public async Task What_a_caller_has_put_in_the_place_of_credential_and_proof_does_not_stand_beside_them()
    {
        var headers = new Metadata { { "authorization", "DPoP another-credential" }, { "dpop", "of another call" }, { "traceparent", "its own" } };
        await Client().IssueAsync(new IssueRequest(), headers, Soon());
        Assert.Equal(Sha256.Hash("a-credential"u8).ToBase64Url(), _tool.LastProof!.CredentialHash);
        Assert.Equal(3, headers.Count);
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

    [Fact]
    public async Task A_call_that_is_disposed_of_while_it_is_being_sent_is_ended()
    {
        var credential = Task.FromResult("a-credential");
        var sending = new Sending();
        var client = new V1.Credentials.CredentialsClient(_channel.Intercept(sending).Intercept(Agent(_ => new ValueTask<string>(credential))));
        await client.IssueAsync(new IssueRequest(), deadline: Soon());
        var renewed = new TaskCompletionSource<string>();
        credential = renewed.Task;
        var call = client.IssueAsync(new IssueRequest(), deadline: Soon());
        (sending.Sent, sending.IsEnded) = (call.Dispose, false);
        renewed.SetResult("a-credential");
        // The answer may have come before.
        await Record.ExceptionAsync(async () => await call);
        Assert.True(sending.IsEnded);
    }

    [Fact]
    public async Task A_call_that_gets_no_credential_ends_at_its_deadline()
    {
        using var call = Client(NoCredential).IssueAsync(new IssueRequest(), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(0.2));
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.WaitAsync(Patience))).StatusCode);
    }

    [Fact]
    public async Task A_call_that_may_take_for_ever_is_sent()
    {
        await Client().IssueAsync(new IssueRequest(), deadline: DateTime.MaxValue.AddDays(-1).ToUniversalTime());
    }

    [Fact]
    public async Task Who_waits_for_a_streams_first_answer_may_give_up_while_there_is_no_credential()
    {
        using var call = new LedgerService.LedgerClient(_channel.Intercept(Agent(NoCredential))).WatchCheckpoints(new WatchCheckpointsRequest());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(0.2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.ResponseStream.MoveNext(patience.Token).WaitAsync(Patience));
    }

    private V1.Credentials.CredentialsClient Client(CredentialSource? credentials = null) => new(_channel.Intercept(Agent(credentials ?? (_ => ValueTask.FromResult("a-credential")))));

    private AgentCallInterceptor Agent(CredentialSource credentials) => new(_key, credentials, FakeRegistry.PublicUrl, _clock);

    // As a keeper that waits for its registry.
    private static async ValueTask<string> NoCredential(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return "";
    }

    /// <summary>Tells of a call when it has been sent, and not yet given to whoever sends it.</summary>
    private sealed class Sending : Interceptor
    {
        public System.Action? Sent { get; set; }

        public bool IsEnded { get; set; }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            var call = continuation(request, context);
            Sent?.Invoke();
            return new AsyncUnaryCall<TResponse>(call.ResponseAsync, call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers, () =>
            {
                IsEnded = true;
                call.Dispose();
            });
        }
    }

    private static DateTime Soon() => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20);
}
