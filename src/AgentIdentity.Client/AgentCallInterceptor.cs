using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Client;

/// <summary>
/// Signs the calls of one request of a gRPC client: with the key alone, or with a credential that is bound to it. Learns the server's nonces from its answers, and
/// sends a call a second time when the server asks for another nonce.
/// </summary>
/// <remarks>
/// A call with messages both ways is signed with the first, and sent again as long as no second was written; it and a stream of answers are sent when the first message is written or asked for. A call that streams to the server alone is sent as it
/// is, unsigned.
/// </remarks>
public sealed class AgentCallInterceptor : Interceptor
{
    private const string NonceName = "dpop-nonce";

    // No timer takes more than 49 days, and who gives a call a deadline beyond them means none.
    private static readonly TimeSpan WaitMax = TimeSpan.FromDays(49);

    private readonly string _baseUrl;
    private readonly TimeSpan _deadline;

    // Any call may replace it with what its answer brought; nonces of one server serve for all calls to it.
    private volatile string? _nonce;

    /// <summary>For calls to a tool.</summary>
    /// <param name="key">The agent's key.</param>
    /// <param name="credentials">Gives the agent's credential.</param>
    /// <param name="baseUrl">The tool's public URL, without final slash: what proofs are made for.</param>
    /// <param name="clock">Tells the time that proofs claim.</param>
    public AgentCallInterceptor(PrivateKey key, CredentialSource credentials, string baseUrl, TimeProvider? clock = null)
        : this(new ProofMaker(key, credentials, clock ?? TimeProvider.System), baseUrl, Timeout.InfiniteTimeSpan, namesRefusals: false)
    {
    }

    /// <summary>For calls to a tool by an agent whose key may be rotated while it calls.</summary>
    /// <param name="identities">Gives the agent's key and credential.</param>
    /// <param name="baseUrl">The tool's public URL, as above.</param>
    /// <param name="clock">Tells the time that proofs claim.</param>
    public AgentCallInterceptor(HeldIdentitySource identities, string baseUrl, TimeProvider? clock = null)
        : this(new ProofMaker(identities, clock ?? TimeProvider.System), baseUrl, Timeout.InfiniteTimeSpan, namesRefusals: false)
    {
    }

    internal AgentCallInterceptor(ProofMaker? proofs, string baseUrl, TimeSpan deadline, bool namesRefusals)
    {
        Proofs = proofs;
        _baseUrl = baseUrl;
        _deadline = deadline;
        NamesRefusals = namesRefusals;
    }

    /// <summary>Null sends calls as they are.</summary>
    internal ProofMaker? Proofs { get; }

    /// <summary>Asked before each call whether the registry's log goes on from what was seen of it. Null asks nothing.</summary>
    internal CheckpointGuard? Guard { get; init; }

    /// <summary>Whether refusals leave as <see cref="RegistryRefusedException"/>: a tool's own errors are not the registry's.</summary>
    internal bool NamesRefusals { get; }

    /// <inheritdoc/>
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
        new SignedCall<TRequest, TResponse>(this, request, context, continuation).Start();

    /// <inheritdoc/>
    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) =>
        new SignedStream<TRequest, TResponse>(this, request, context, continuation).Start();

    /// <inheritdoc/>
    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) =>
        new SignedDuplex<TRequest, TResponse>(this, context, continuation).Start();

    /// <summary>Not served: a proof may have to wait for a credential.</summary>
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
        throw new NotSupportedException($"{context.Method.FullName} is signed, which cannot be done while blocking: call {context.Method.Name}Async.");

    /// <summary>The headers with which the call is sent. A credential may have to be waited for: not beyond the call's deadline, and not when its reader gives up.</summary>
    internal async Task<Metadata> SignAsync<TRequest>(IMethod method, TRequest request, CallOptions options, CancellationToken reader = default)
        where TRequest : class
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken, reader);
        if (options.Deadline is { } deadline && deadline - TimeProvider.System.GetUtcNow().UtcDateTime is var left && left < WaitMax)
            ending.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            return await SignAsync(method, request, options.Headers, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException late) when (ending.IsCancellationRequested && !options.CancellationToken.IsCancellationRequested && !reader.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"The call could not be sent before its deadline: {late.Message}", late));
        }
    }

    private async Task<Metadata> SignAsync<TRequest>(IMethod method, TRequest request, Metadata? given, CancellationToken cancellationToken)
        where TRequest : class
    {
        if (Guard is not null)
            await Guard.RequireSameLogAsync(cancellationToken).ConfigureAwait(false);
        var headers = new Metadata();
        foreach (var entry in given ?? [])
            headers.Add(entry);
        if (Proofs is not { } proofs)
            return headers;

        // Serializing a message of ours twice in one process gives the same bytes, so these are the ones that are sent.
        var bodyHash = Sha256.Hash(((IMessage)request).ToByteArray()).ToBase64Url();
        var signed = await proofs.MakeAsync("POST", _baseUrl + method.FullName, _nonce, bodyHash, cancellationToken).ConfigureAwait(false);
        Put(headers, "dpop", signed.Proof);
        if (signed.Credential is { } credential)
            Put(headers, "authorization", $"DPoP {credential}");
        return headers;
    }

    // Two of a kind are refused, whichever is the good one; a caller may give the headers of an earlier call again.
    private static void Put(Metadata headers, string name, string value)
    {
        foreach (var before in headers.GetAll(name).ToArray())
            headers.Remove(before);
        headers.Add(name, value);
    }

    internal bool AsksForNonce(RpcException failure) =>
        Proofs is not null && failure.StatusCode == StatusCode.Unauthenticated && failure.Trailers.GetValue(NonceName) is not null
        && RegistryRefusedException.From(failure) is { Refusal: Refusal.UseDpopNonce };

    /// <summary>What the reader of a stream is told instead of its failure: that it was cancelled, or by which name it was refused. Null where the failure says it best.</summary>
    internal Exception? Named(RpcException failure, CancellationToken reader, CancellationToken call)
    {
        if (failure.StatusCode == StatusCode.Cancelled && (reader.IsCancellationRequested || call.IsCancellationRequested))
            return new OperationCanceledException("The call was cancelled.", failure, reader.IsCancellationRequested ? reader : call);
        return NamesRefusals ? RegistryRefusedException.From(failure) : null;
    }

    internal void Learn(Metadata answer) => _nonce = answer.GetValue(NonceName) ?? _nonce;

    internal CallOptions WithDeadline(CallOptions options)
    {
        if (options.Deadline is not null || _deadline == Timeout.InfiniteTimeSpan)
            return options;
        // The transport counts a deadline by the system's clock, whatever clock proofs go by.
        return options.WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + _deadline);
    }
}
