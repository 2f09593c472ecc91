namespace Grpc.Core;

/// <summary>A call that did not end with <see cref="StatusCode.OK"/>. The exception's message stays on this side.</summary>
/// <param name="status">The outcome.</param>
/// <param name="trailers">What the server sent after its answer.</param>
/// <param name="message">The message, for this side.</param>
public class RpcException(Status status, Metadata trailers, string message) : Exception(message, status.DebugException)
{
    /// <summary>An outcome without trailers.</summary>
    /// <param name="status">The outcome.</param>
    public RpcException(Status status) : this(status, Metadata.Empty, status.ToString())
    {
    }

    /// <summary>An outcome without trailers, with a message of its own.</summary>
    /// <param name="status">The outcome.</param>
    /// <param name="message">The message, for this side.</param>
    public RpcException(Status status, string message) : this(status, Metadata.Empty, message)
    {
    }

    /// <summary>An outcome with trailers.</summary>
    /// <param name="status">The outcome.</param>
    /// <param name="trailers">What the server sent after its answer.</param>
    public RpcException(Status status, Metadata trailers) : this(status, trailers, status.ToString())
    {
    }

    /// <summary>The outcome.</summary>
    public Status Status { get; } = status;

    /// <summary>The outcome's code.</summary>
    public StatusCode StatusCode => Status.StatusCode;

    /// <summary>What the server sent after its answer; on the server's own side, what it is to send.</summary>
    public Metadata Trailers { get; } = trailers ?? throw new ArgumentNullException(nameof(trailers));
}
