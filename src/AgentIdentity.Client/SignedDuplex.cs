using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Client;

/// <summary>
/// One call with many messages both ways: the first message signs it, and is sent once more with the nonce that the refusal brought. If more was written before the first answer,
/// the refusal is the caller's to see.
/// </summary>
internal sealed class SignedDuplex<TRequest, TResponse>(
    AgentCallInterceptor interceptor, ClientInterceptorContext<TRequest, TResponse> context, Interceptor.AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation)
    : IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private TRequest? _first;
    private AsyncDuplexStreamingCall<TRequest, TResponse>? _sent;
    private bool _isAnswered;
    private volatile bool _hasMore;
    private volatile bool _isComplete;
    private volatile bool _isEnded;

    public TResponse Current => Sent.ResponseStream.Current;

    public WriteOptions? WriteOptions { get; set; }

    private AsyncDuplexStreamingCall<TRequest, TResponse> Sent => _sent ?? throw new InvalidOperationException("Nothing has been written yet, so the call has not been sent.");

    public AsyncDuplexStreamingCall<TRequest, TResponse> Start() =>
        new(this, this, _ => Sent.ResponseHeadersAsync, _ => Sent.GetStatus(), _ => Sent.GetTrailers(), _ => End(), this);

    public Task WriteAsync(TRequest message)
    {
        if (_first is not null)
        {
            _hasMore = true;
            return Sent.RequestStream.WriteAsync(message);
        }
        _first = message;
        return SendAsync(message);
    }

    public Task CompleteAsync()
    {
        _isComplete = true;
        return Sent.RequestStream.CompleteAsync();
    }

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            return _isAnswered ? await Sent.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false) : await BeginAsync(cancellationToken).ConfigureAwait(false);
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
            return await FirstAnswerAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException failure) when (interceptor.AsksForNonce(failure) && !_hasMore)
        {
            // Once only, as for a call with one answer. What was written behind the first is not kept, so then the caller begins again: the nonce is known now.
            await SendAsync(_first!, cancellationToken).ConfigureAwait(false);
            if (_isComplete)
                await Sent.RequestStream.CompleteAsync().ConfigureAwait(false);
            return await FirstAnswerAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> FirstAnswerAsync(CancellationToken cancellationToken)
    {
        try
        {
            var isThere = await Sent.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false);
            interceptor.Learn(await Sent.ResponseHeadersAsync.ConfigureAwait(false));
            _isAnswered = true;
            return isThere;
        }
        catch (RpcException failure)
        {
            interceptor.Learn(failure.Trailers);
            throw;
        }
    }

    private async Task SendAsync(TRequest first, CancellationToken reader = default)
    {
        var headers = await interceptor.SignAsync(context.Method, first, context.Options, reader).ConfigureAwait(false);
        if (_isEnded)
            throw new OperationCanceledException("The call was disposed of before it was sent.");
        _sent?.Dispose();
        _sent = continuation(new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, context.Options.WithHeaders(headers)));
        // Whoever has disposed of the call meanwhile has found nothing to end.
        Interlocked.MemoryBarrier();
        if (_isEnded)
            _sent.Dispose();
        try
        {
            await _sent.RequestStream.WriteAsync(first, reader).ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // Refused before the message was through: the answer says why.
        }
    }

    private void End()
    {
        _isEnded = true;
        Interlocked.MemoryBarrier();
        _sent?.Dispose();
    }
}
