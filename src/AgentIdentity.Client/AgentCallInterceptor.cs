using AgentIdentity.Credentials.Keys;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Client;

/// <summary>
/// Signs the unary calls of a gRPC client: with the key alone, or with a credential that is bound to it. Learns the server's nonces from its answers, and
/// sends a call a second time when the server asks for another nonce.
/// </summary>
public sealed class AgentCallInterceptor : Interceptor
{
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

    internal AgentCallInterceptor(ProofMaker? proofs, string baseUrl, TimeSpan deadline, bool namesRefusals)
    {
        Proofs = proofs;
        _baseUrl = baseUrl;
        _deadline = deadline;
        NamesRefusals = namesRefusals;
    }

    /// <summary>Null sends calls as they are.</summary>
    internal ProofMaker? Proofs { get; }

    internal string? Nonce
    {
        get => _nonce;
        set => _nonce = value;
    }

    /// <summary>Whether refusals leave as <see cref="RegistryRefusedException"/>: a tool's own errors are not the registry's.</summary>
    internal bool NamesRefusals { get; }

    /// <inheritdoc/>
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
        new SignedCall<TRequest, TResponse>(this, request, context, continuation).Start();

    /// <summary>Not served: a proof may have to wait for a credential.</summary>
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        TRequest request, ClientInterceptorContext<TRequest, TResponse> context, BlockingUnaryCallContinuation<TRequest, TResponse> continuation) =>
        throw new NotSupportedException($"{context.Method.FullName} is signed, which cannot be done while blocking: call {context.Method.Name}Async.");

    internal string UrlOf(IMethod method) => _baseUrl + method.FullName;

    internal CallOptions WithDeadline(CallOptions options)
    {
        if (options.Deadline is not null || _deadline == Timeout.InfiniteTimeSpan)
            return options;
        // The transport counts a deadline by the system's clock, whatever clock proofs go by.
        return options.WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + _deadline);
    }
}
