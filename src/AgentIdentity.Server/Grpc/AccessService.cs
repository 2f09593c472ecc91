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
    // Who does not even take the end of the stream is cut off without one.
    private static readonly TimeSpan LastWriteMax = TimeSpan.FromSeconds(2);

    // A stop wakes every stream at once, and all work shares one queue of threads: a thousand of them would stand there before the answer to the responder.
    // Half of the processors take them a few at a time, and go to the end of the queue in between.
    private const int StreamsInTurn = 8;
    private static readonly TaskScheduler Turns = new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, (Environment.ProcessorCount + 1) / 2, StreamsInTurn).ConcurrentScheduler;

    public override async Task Watch(IAsyncStreamReader<Wire.EnforcerMessage> requestStream, IServerStreamWriter<Wire.RegistryMessage> responseStream, ServerCallContext context)
    {
        var wish = await BeginAsync(requestStream, context.CancellationToken);
        var stream = (await registry.Watch.BeginAsync(CallState.Of(context).Caller!, wish, context.CancellationToken)).OrRefuse();
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping, stream.Ended);
            // Cancelling a read or a write by a token aborts the call, and the enforcer would not hear why.
            var reading = InTurn(() => ReadAsync(stream, requestStream, context.CancellationToken));
            var writing = InTurn(() => WriteAsync(stream, responseStream, ending.Token));
            await Task.WhenAny(reading, writing);
            await ending.CancelAsync();
            var hasEnded = false;
            try
            {
                await FinishAsync(writing, context);
            }
            finally
            {
                hasEnded = reading.IsCompleted;
                // Also when something could not be written.
                await StopReadingAsync(reading, context);
            }
            if (hasEnded)
                await reading;
            context.CancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            registry.Watch.End(stream);
        }
        if (stream.Refused is { } refused)
            throw new CallRefusedException(refused.Refusal, refused.Detail);
    }

    private static Task InTurn(Func<Task> loop) => Task.Factory.StartNew(loop, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Turns).Unwrap();

    private static async Task FinishAsync(Task writing, ServerCallContext context)
    {
        try
        {
            await writing.WaitAsync(LastWriteMax);
        }
        catch (OperationCanceledException)
        {
            // It waited for something to say.
        }
        catch (TimeoutException)
        {
            context.GetHttpContext().Abort();
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // The connection uses a stream's pipe again for a later call: a read that was left behind would take that call's message.
    private static async Task StopReadingAsync(Task reading, ServerCallContext context)
    {
        if (!reading.IsCompleted)
            context.GetHttpContext().Request.BodyReader.CancelPendingRead();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task<WatchWish> BeginAsync(IAsyncStreamReader<Wire.EnforcerMessage> requestStream, CancellationToken cancellation)
    {
        if (!await requestStream.MoveNext(cancellation) || requestStream.Current.Begin is not { } begin)
            throw CallRefusedException.Malformed("A watch begins with begin.");
        return new WatchWish(begin.KnownCheckpoint, begin.LastNote, begin.LastPayload.ToByteArray(), FromWire.Texts(begin.Orders), begin.ObserveOnly);
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
        Wire.EnforcerMessage.OfOneofCase.Accepted => registry.Watch.AcceptedAsync(stream, [.. message.Accepted.Items.Select(Hash)], message.Accepted.Counts),
        Wire.EnforcerMessage.OfOneofCase.Alarm => registry.Watch.AlarmedAsync(stream, message.Alarm.Name, message.Alarm.Detail, message.Alarm.RaisedAt),
        _ => throw CallRefusedException.Malformed("Once begun, an enforcer sends nonces, acknowledgements, what it has accepted, and alarms."),
    };

    private async Task WriteAsync(WatchStream stream, IServerStreamWriter<Wire.RegistryMessage> responseStream, CancellationToken ending)
    {
        await foreach (var message in stream.ReadAllAsync(ending))
        {
            foreach (var part in registry.WatchParts(message))
                await responseStream.WriteAsync(part, CancellationToken.None);
        }
    }

    private static Hash Hash(Google.Protobuf.ByteString bytes) => bytes.Length == Ledger.Hash.Size
        ? Ledger.Hash.Read(bytes.Span)
        : throw CallRefusedException.Malformed("An item is named by its SHA-256, 32 bytes.");
}
