namespace Grpc.Core;

/// <summary>The way to a server, which clients share.</summary>
/// <param name="target">The server's address.</param>
public abstract class ChannelBase(string target)
{
    /// <summary>The server's address.</summary>
    public string Target { get; } = target ?? throw new ArgumentNullException(nameof(target));

    /// <summary>The invoker that makes calls on this channel.</summary>
    /// <returns>The invoker.</returns>
    public abstract CallInvoker CreateCallInvoker();

    /// <summary>Ends the channel and the calls on it.</summary>
    /// <returns>Done when it is closed.</returns>
    public Task ShutdownAsync() => ShutdownAsyncCore();

    /// <summary>Ends the channel; nothing to end unless overridden.</summary>
    /// <returns>Done when it is closed.</returns>
    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}
