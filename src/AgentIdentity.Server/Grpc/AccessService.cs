using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Watching;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>For enforcers. Two loops a stream: one reads what the enforcer says, the other writes what it is told; the first to end ends both.</summary>
internal sealed class AccessService(RegistryNode registry, IHostApplicationLifetime lifetime) : Wire.Access.AccessBase
{
    public override async Task Watch(IAsyncStreamReader<Wire.EnforcerMessage> requestStream, IServerStreamWriter<Wire.RegistryMessage> responseStream, ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        var wish = await BeginAsync(requestStream, ending.Token);
        var stream = (await registry.Watch.BeginAsync(CallState.Of(context).Caller!, wish, ending.Token)).OrRefuse();
        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, stream.Ended);
            var reading = ReadAsync(stream, requestStream, both.Token);
            var writing = WriteAsync(stream, responseStream, both.Token);
            await Task.WhenAny(reading, writing);
            await both.CancelAsync();
            await SettleAsync(reading, writing);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            // The registry ended it: the stream says why, or the server ends and says so by ending it well.
        }
        finally
        {
            registry.Watch.End(stream);
        }
        if (stream.Refused is { } refused)
            throw new CallRefusedException(refused.Refusal, refused.Detail);
    }

    private static async Task<WatchWish> BeginAsync(IAsyncStreamReader<Wire.EnforcerMessage> requestStream, CancellationToken cancellation)
    {
        if (!await requestStream.MoveNext(cancellation) || requestStream.Current.Begin is not { } begin)
            throw CallRefusedException.Malformed("A watch begins with begin.");
        return new WatchWish(begin.KnownCheckpoint, begin.LastNote, begin.LastPayload.ToByteArray(), FromWire.Texts(begin.Orders), begin.ObserveOnly);
    }

    // Both are over before the call is: nobody may write to it afterwards. The first failure is the one that counts.
    private static async Task SettleAsync(Task reading, Task writing)
    {
        var first = reading.IsCompleted ? reading : writing;
        await ((Task)Task.WhenAll(reading, writing)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    private async Task ReadAsync(WatchStream stream, IAsyncStreamReader<Wire.EnforcerMessage> requestStream, CancellationToken cancellation)
    {
        while (await requestStream.MoveNext(cancellation))
            (await TakeAsync(stream, requestStream.Current)).OrRefuse();
    }

    private Task<Outcome<bool>> TakeAsync(WatchStream stream, Wire.EnforcerMessage message) => message.OfCase switch
    {
        Wire.EnforcerMessage.OfOneofCase.Nonce => registry.Watch.AnswerAsync(stream, message.Nonce.Nonce.ToByteArray(), new TreeSize(message.Nonce.TreeSize)),
        Wire.EnforcerMessage.OfOneofCase.Acknowledgement => registry.Watch.AcknowledgeAsync(stream, message.Acknowledgement.Token),
        Wire.EnforcerMessage.OfOneofCase.Accepted => registry.Watch.AcceptedAsync(stream, [.. message.Accepted.Items.Select(Hash)]),
        _ => throw CallRefusedException.Malformed("Once begun, an enforcer sends nonces, acknowledgements and what it has accepted."),
    };

    private async Task WriteAsync(WatchStream stream, IServerStreamWriter<Wire.RegistryMessage> responseStream, CancellationToken cancellation)
    {
        await foreach (var message in stream.ReadAllAsync(cancellation))
        {
            foreach (var part in registry.WatchParts(message))
                await responseStream.WriteAsync(part, cancellation);
        }
    }

    private static Hash Hash(Google.Protobuf.ByteString bytes) => bytes.Length == Ledger.Hash.Size
        ? Ledger.Hash.Read(bytes.Span)
        : throw CallRefusedException.Malformed("An item is named by its SHA-256, 32 bytes.");
}
