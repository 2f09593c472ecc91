using System.Runtime.CompilerServices;

namespace Grpc.Core;

/// <summary>A call of one request and one response, under way. Disposing it ends a call that is not over.</summary>
/// <typeparam name="TResponse">The response.</typeparam>
public sealed class AsyncUnaryCall<TResponse> : IDisposable
{
    private readonly CallHandle handle;

    /// <summary>A call made of its parts.</summary>
    /// <param name="responseAsync">The response.</param>
    /// <param name="responseHeadersAsync">The headers of the answer.</param>
    /// <param name="getStatusFunc">The outcome of a call that is over.</param>
    /// <param name="getTrailersFunc">The trailers of a call that is over.</param>
    /// <param name="disposeAction">Ends the call.</param>
    public AsyncUnaryCall(
        Task<TResponse> responseAsync, Task<Metadata> responseHeadersAsync, Func<Status> getStatusFunc, Func<Metadata> getTrailersFunc, Action disposeAction)
        : this(responseAsync, new CallHandle(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction))
    {
    }

    /// <summary>A call made of its parts, with callbacks that share one state.</summary>
    /// <param name="responseAsync">The response.</param>
    /// <param name="responseHeadersAsync">The headers of the answer.</param>
    /// <param name="getStatusFunc">The outcome of a call that is over.</param>
    /// <param name="getTrailersFunc">The trailers of a call that is over.</param>
    /// <param name="disposeAction">Ends the call.</param>
    /// <param name="state">Handed to each callback.</param>
    public AsyncUnaryCall(
        Task<TResponse> responseAsync, Func<object, Task<Metadata>> responseHeadersAsync, Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc, Action<object> disposeAction, object state)
        : this(responseAsync, new CallHandle(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction, state))
    {
    }

    private AsyncUnaryCall(Task<TResponse> responseAsync, CallHandle handle)
    {
        ResponseAsync = responseAsync;
        this.handle = handle;
    }

    /// <summary>The response.</summary>
    public Task<TResponse> ResponseAsync { get; }

    /// <summary>The headers of the answer.</summary>
    public Task<Metadata> ResponseHeadersAsync => handle.HeadersAsync();

    /// <summary>Lets the call itself be awaited for its response.</summary>
    /// <returns>The awaiter.</returns>
    public TaskAwaiter<TResponse> GetAwaiter() => ResponseAsync.GetAwaiter();

    /// <summary>Lets the call itself be awaited, choosing where to go on.</summary>
    /// <param name="continueOnCapturedContext">Whether to go on where the await stood.</param>
    /// <returns>The awaitable.</returns>
    public ConfiguredTaskAwaitable<TResponse> ConfigureAwait(bool continueOnCapturedContext) => ResponseAsync.ConfigureAwait(continueOnCapturedContext);

    /// <summary>The outcome; the call must be over.</summary>
    /// <returns>The outcome.</returns>
    public Status GetStatus() => handle.Status();

    /// <summary>The trailers; the call must be over.</summary>
    /// <returns>The trailers.</returns>
    public Metadata GetTrailers() => handle.Trailers();

    /// <summary>Ends the call if it is not over, and frees what it holds.</summary>
    public void Dispose() => handle.Dispose();
}
