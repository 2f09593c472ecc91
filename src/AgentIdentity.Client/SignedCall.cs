using Grpc.Core;
using Grpc.Core.Interceptors;

namespace AgentIdentity.Client;

/// <summary>One call: signed, sent, and sent once more with the nonce that the answer brought when the server asks for one.</summary>
internal sealed class SignedCall<TRequest, TResponse>(
    AgentCallInterceptor interceptor,
    TRequest request,
    ClientInterceptorContext<TRequest, TResponse> context,
    Interceptor.AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
    where TRequest : class
    where TResponse : class
{
    private readonly CallOptions _options = interceptor.WithDeadline(context.Options);
    private Task<TResponse>? _response;
    private AsyncUnaryCall<TResponse>? _sent;
    private volatile bool _isEnded;

    private AsyncUnaryCall<TResponse> Sent => _sent ?? throw new InvalidOperationException("The call has not been sent.");

    public AsyncUnaryCall<TResponse> Start()
    {
        _response = RespondAsync();
        return new AsyncUnaryCall<TResponse>(_response, _ => HeadersAsync(), _ => Sent.GetStatus(), _ => Sent.GetTrailers(), _ => End(), this);
    }

    private async Task<TResponse> RespondAsync()
    {
        try
        {
            return await SendWithGoodNonceAsync().ConfigureAwait(false);
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Cancelled && context.Options.CancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The call was cancelled.", failure, context.Options.CancellationToken);
        }
        catch (RpcException failure) when (interceptor.NamesRefusals && RegistryRefusedException.From(failure) is { } refused)
        {
            throw refused;
        }
    }

    private async Task<TResponse> SendWithGoodNonceAsync()
    {
        try
        {
            return await SendAsync().ConfigureAwait(false);
        }
        catch (RpcException failure) when (interceptor.AsksForNonce(failure))
        {
            // Once only: a server that refuses the nonce that it has just given would have us here for ever.
            return await SendAsync().ConfigureAwait(false);
        }
    }

    private async Task<TResponse> SendAsync()
    {
        var headers = await interceptor.SignAsync(context.Method, request, _options).ConfigureAwait(false);
        // Whoever has disposed of the call while it was being signed must not have it sent.
        if (_isEnded)
            throw new OperationCanceledException("The call was disposed of before it was sent.");
        var options = _options.WithHeaders(headers);
        _sent?.Dispose();
        _sent = continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options));
        // Whoever has disposed of the call meanwhile has found nothing to end.
        Interlocked.MemoryBarrier();
        if (_isEnded)
            _sent.Dispose();
        try
        {
            var response = await _sent.ResponseAsync.ConfigureAwait(false);
            interceptor.Learn(await _sent.ResponseHeadersAsync.ConfigureAwait(false));
            interceptor.Learn(_sent.GetTrailers());
            return response;
        }
        catch (RpcException failure)
        {
            interceptor.Learn(failure.Trailers);
            throw;
        }
    }

    private async Task<Metadata> HeadersAsync()
    {
        // Only the last attempt's headers belong to the answer; how it ended is the response's to tell.
        await ((Task)_response!).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await Sent.ResponseHeadersAsync.ConfigureAwait(false);
    }

    private void End()
    {
        _isEnded = true;
        Interlocked.MemoryBarrier();
        _sent?.Dispose();
    }
}
