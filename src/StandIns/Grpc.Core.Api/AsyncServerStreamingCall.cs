namespace Grpc.Core;

/// <summary>A call of one request and many responses, under way. Disposing it ends a call that is not over.</summary>
/// <typeparam name="TResponse">The response.</typeparam>
public sealed class AsyncServerStreamingCall<TResponse> : IDisposable
{
    private readonly CallHandle handle;

    /// <summary>A call made of its parts.</summary>
    /// <param name="responseStream">The responses.</param>
    /// <param name="responseHeadersAsync">The headers of the answer.</param>
    /// <param name="getStatusFunc">The outcome of a call that is over.</param>
    /// <param name="getTrailersFunc">The trailers of a call that is over.</param>
    /// <param name="disposeAction">Ends the call.</param>
    public AsyncServerStreamingCall(
        IAsyncStreamReader<TResponse> responseStream, Task<Metadata> responseHeadersAsync, Func<Status> getStatusFunc, Func<Metadata> getTrailersFunc, Action disposeAction)
        : this(responseStream, new CallHandle(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction))
    {
    }

    /// <summary>A call made of its parts, with callbacks that share one state.</summary>
    /// <param name="responseStream">The responses.</param>
    /// <param name="responseHeadersAsync">The headers of the answer.</param>
    /// <param name="getStatusFunc">The outcome of a call that is over.</param>
    /// <param name="getTrailersFunc">The trailers of a call that is over.</param>
    /// <param name="disposeAction">Ends the call.</param>
    /// <param name="state">Handed to each callback.</param>
    public AsyncServerStreamingCall(
        IAsyncStreamReader<TResponse> responseStream, Func<object, Task<Metadata>> responseHeadersAsync, Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc, Action<object> disposeAction, object state)
        : this(responseStream, new CallHandle(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state))
    {
    }

    private AsyncServerStreamingCall(IAsyncStreamReader<TResponse> responseStream, CallHandle handle)
    {
        ResponseStream = responseStream;
        this.handle = handle;
    }

    /// <summary>The responses.</summary>
    public IAsyncStreamReader<TResponse> ResponseStream { get; }

    /// <summary>The headers of the answer.</summary>
    public Task<Metadata> ResponseHeadersAsync => handle.HeadersAsync();

    /// <summary>The outcome; the call must be over.</summary>
    /// <returns>The outcome.</returns>
    public Status GetStatus() => handle.Status();

    /// <summary>The trailers; the call must be over.</summary>
    /// <returns>The trailers.</returns>
    public Metadata GetTrailers() => handle.Trailers();

    /// <summary>Ends the call if it is not over, and frees what it holds.</summary>
    public void Dispose() => handle.Dispose();
}
