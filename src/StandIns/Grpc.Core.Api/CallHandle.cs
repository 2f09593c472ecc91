namespace Grpc.Core;

/// <summary>What every kind of call object can ask the transport: headers, outcome, trailers, end.</summary>
/// <remarks>The transport hands the call's state to static callbacks, so that a call costs no closures.</remarks>
internal readonly struct CallHandle(
    Func<object, Task<Metadata>> headers, Func<object, Status> status, Func<object, Metadata> trailers, Action<object> dispose, object state)
{
    private static readonly object NoState = new();

    public CallHandle(Task<Metadata> headers, Func<Status> status, Func<Metadata> trailers, Action dispose)
        : this(_ => headers, _ => status(), _ => trailers(), _ => dispose(), NoState)
    {
    }

    public Task<Metadata> HeadersAsync() => headers(state);

    public Status Status() => status(state);

    public Metadata Trailers() => trailers(state);

    public void Dispose() => dispose(state);
}
