namespace Grpc.Core;

/// <summary>A call as its handler sees it. A transport overrides the members that end in Core.</summary>
public abstract class ServerCallContext
{
    private Dictionary<object, object>? userState;

    /// <summary>The path on the wire: "/service/name".</summary>
    public string Method => MethodCore;

    /// <summary>The host that the client named.</summary>
    public string Host => HostCore;

    /// <summary>The address of the peer.</summary>
    public string Peer => PeerCore;

    /// <summary>When the call ends at the latest, in UTC; the greatest value where the client named none.</summary>
    public DateTime Deadline => DeadlineCore;

    /// <summary>What came before the request.</summary>
    public Metadata RequestHeaders => RequestHeadersCore;

    /// <summary>Cancelled when the client gives up or the deadline passes.</summary>
    public CancellationToken CancellationToken => CancellationTokenCore;

    /// <summary>What goes out after the answer.</summary>
    public Metadata ResponseTrailers => ResponseTrailersCore;

    /// <summary>The outcome to send; an exception of the handler wins over it.</summary>
    public Status Status
    {
        get => StatusCore;
        set => StatusCore = value;
    }

    /// <summary>How messages are written.</summary>
    public WriteOptions? WriteOptions
    {
        get => WriteOptionsCore;
        set => WriteOptionsCore = value;
    }

    /// <summary>What the transport knows about the peer.</summary>
    public AuthContext AuthContext => AuthContextCore;

    /// <summary>A place for interceptors and handlers to leave things for one another.</summary>
    public IDictionary<object, object> UserState => UserStateCore;

    /// <summary>The path on the wire.</summary>
    protected abstract string MethodCore { get; }

    /// <summary>The host that the client named.</summary>
    protected abstract string HostCore { get; }

    /// <summary>The address of the peer.</summary>
    protected abstract string PeerCore { get; }

    /// <summary>When the call ends at the latest.</summary>
    protected abstract DateTime DeadlineCore { get; }

    /// <summary>What came before the request.</summary>
    protected abstract Metadata RequestHeadersCore { get; }

    /// <summary>Cancelled when the call is over.</summary>
    protected abstract CancellationToken CancellationTokenCore { get; }

    /// <summary>What goes out after the answer.</summary>
    protected abstract Metadata ResponseTrailersCore { get; }

    /// <summary>The outcome to send.</summary>
    protected abstract Status StatusCore { get; set; }

    /// <summary>How messages are written.</summary>
    protected abstract WriteOptions? WriteOptionsCore { get; set; }

    /// <summary>What the transport knows about the peer.</summary>
    protected abstract AuthContext AuthContextCore { get; }

    /// <summary>The place for interceptors and handlers.</summary>
    protected virtual IDictionary<object, object> UserStateCore => userState ??= [];

    /// <summary>Sends the headers of the answer now instead of with its first message.</summary>
    /// <param name="responseHeaders">The headers.</param>
    /// <returns>Done when they are sent.</returns>
    public Task WriteResponseHeadersAsync(Metadata responseHeaders) => WriteResponseHeadersAsyncCore(responseHeaders);

    /// <summary>A token that hands this call's deadline and cancellation on to calls that its handler makes.</summary>
    /// <param name="options">What is handed on; null for both.</param>
    /// <returns>The token.</returns>
    public ContextPropagationToken CreatePropagationToken(ContextPropagationOptions? options = null) => CreatePropagationTokenCore(options);

    /// <summary>Sends the headers of the answer.</summary>
    /// <param name="responseHeaders">The headers.</param>
    /// <returns>Done when they are sent.</returns>
    protected abstract Task WriteResponseHeadersAsyncCore(Metadata responseHeaders);

    /// <summary>Makes a propagation token.</summary>
    /// <param name="options">What is handed on; null for both.</param>
    /// <returns>The token.</returns>
    protected abstract ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options);
}
