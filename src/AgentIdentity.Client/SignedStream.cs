using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Client;

/// <summary>One call with many answers: signed and sent when the first answer is asked for, and sent once more with the nonce that the refusal brought.</summary>
/// <remarks>It has the deadline that it was given, and no other: how long an answer takes is for whoever reads it to say.</remarks>
internal sealed class SignedStream<TRequest, TResponse>(
    AgentCallInterceptor interceptor,
    TRequest request,
    ClientInterceptorContext<TRequest, TResponse> context,
    Interceptor.AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private AsyncServerStreamingCall<TResponse>? _sent;
    private volatile bool _isEnded;

    public TResponse Current => Sent.ResponseStream.Current;

    private AsyncServerStreamingCall<TResponse> Sent => _sent ?? throw new InvalidOperationException("Nothing has been read yet, so the call has not been sent.");

    public AsyncServerStreamingCall<TResponse> Start() =>
        new(this, _ => Sent.ResponseHeadersAsync, _ => Sent.GetStatus(), _ => Sent.GetTrailers(), _ => End(), this);

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            return _sent is null ? await BeginAsync(cancellationToken).ConfigureAwait(false) : await Sent.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException failure) when (interceptor.Named(failure, cancellationToken, context.Options.CancellationToken) is { } named)
        {
            throw named;
        }
    }

    private async Task<bool> BeginAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException failure) when (interceptor.AsksForNonce(failure))
        {
            // Once only, as for a call with one answer.
            return await SendAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> SendAsync(CancellationToken cancellationToken)
    {
        var headers = await interceptor.SignAsync(context.Method, request, context.Options, cancellationToken).ConfigureAwait(false);
        if (_isEnded)
            throw new OperationCanceledException("The call was disposed of before it was sent.");
        _sent?.Dispose();
        _sent = continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, context.Options.WithHeaders(headers)));
        // Whoever has disposed of the call meanwhile has found nothing to end.
        Interlocked.MemoryBarrier();
        if (_isEnded)
            _sent.Dispose();
        try
        {
            var isThere = await _sent.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false);
            interceptor.Learn(await _sent.ResponseHeadersAsync.ConfigureAwait(false));
            return isThere;
        }
        catch (RpcException failure)
        {
            interceptor.Learn(failure.Trailers);
            throw;
        }
    }

    private void End()
    {
        _isEnded = true;
        Interlocked.MemoryBarrier();
        _sent?.Dispose();
    }
}
