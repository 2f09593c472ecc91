namespace Grpc.Core;

/// <summary>The messages that the peer sends, one after another.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last successful move brought.</summary>
    T Current { get; }

    /// <summary>Waits for the next message; one move at a time.</summary>
    /// <param name="cancellationToken">Ends the wait, and with it the call.</param>
    /// <returns>False when the peer has sent everything.</returns>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>The messages that this side sends, one after another.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>How the next messages are written.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Sends a message; one write at a time.</summary>
    /// <param name="message">The message.</param>
    /// <returns>Done when the transport has taken it.</returns>
    Task WriteAsync(T message);

    /// <summary>Sends a message unless cancelled; a writer that cannot cancel refuses tokens that can.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the write, and with it the call.</param>
    /// <returns>Done when the transport has taken it.</returns>
    Task WriteAsync(T message, CancellationToken cancellationToken) => cancellationToken.CanBeCanceled
        ? throw new NotSupportedException("This stream writer cannot cancel a write.")
        : WriteAsync(message);
}

/// <summary>The client's messages; the client says when it has sent the last one.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Says that no further message comes.</summary>
    /// <returns>Done when the transport has taken it.</returns>
    Task CompleteAsync();
}

/// <summary>The server's messages; they end when the handler returns.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>;

/// <summary>Short forms for stream readers.</summary>
public static class AsyncStreamReaderExtensions
{
    /// <summary>Waits for the next message without a way to cancel.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <param name="streamReader">The stream.</param>
    /// <returns>False when the peer has sent everything.</returns>
    public static Task<bool> MoveNext<T>(this IAsyncStreamReader<T> streamReader)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        return streamReader.MoveNext(CancellationToken.None);
    }
}
