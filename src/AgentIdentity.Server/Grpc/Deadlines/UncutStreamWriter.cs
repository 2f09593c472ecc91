using Grpc.Core;

namespace AgentIdentity.Server.Grpc.Deadlines;

/// <summary>Looks at the token before a write and not during it: the official writer resets the stream when a write is cancelled, and the status is lost.</summary>
internal sealed class UncutStreamWriter<T>(IServerStreamWriter<T> inner) : IServerStreamWriter<T>
{
    public WriteOptions? WriteOptions
    {
        get => inner.WriteOptions;
        set => inner.WriteOptions = value;
    }

    public Task WriteAsync(T message) => inner.WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : inner.WriteAsync(message, CancellationToken.None);
}
