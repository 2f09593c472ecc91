using Google.Protobuf;
using Grpc.Core;
using Grpc.Testing;

namespace AgentIdentity.InteropHost;

/// <summary>What the public descriptions of the gRPC interoperability tests ask of a server.</summary>
internal sealed class InteropService : TestService.TestServiceBase
{
    private const string EchoInitial = "x-grpc-test-echo-initial";
    private const string EchoTrailing = "x-grpc-test-echo-trailing-bin";

    // Any caller may ask for a size; this is what one message may cost the host.
    private const int PayloadBytesMax = 8 * 1024 * 1024;

    // The server reads this header itself and takes it off: the way to choose compression for one call.
    private const string EncodingRequest = "grpc-internal-encoding-request";

    private static readonly Task<Empty> Nothing = Task.FromResult(new Empty());

    private static readonly WriteOptions Plain = new(WriteFlags.NoCompress);

    public override Task<Empty> EmptyCall(Empty request, ServerCallContext context) =>
        context.RequestHeaders.Get(EchoInitial) is null && context.RequestHeaders.Get(EchoTrailing) is null ? Nothing : EchoAsync(context);

    public override async Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context)
    {
        RequireCompression(request.ExpectCompressed);
        await SendHeadersAsync(context, request.ResponseCompressed?.Value == true);
        ThrowIfFailureAsked(request.ResponseStatus);
        return new SimpleResponse { Payload = Zeros(request.ResponseSize) };
    }

    public override Task<SimpleResponse> CacheableUnaryCall(SimpleRequest request, ServerCallContext context) => UnaryCall(request, context);

    public override async Task<StreamingInputCallResponse> StreamingInputCall(
        IAsyncStreamReader<StreamingInputCallRequest> requestStream, ServerCallContext context)
    {
        await SendHeadersAsync(context, compress: false);
        var size = 0;
        WatchedGzip.Forget();
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            RequireCompression(requestStream.Current.ExpectCompressed);
            size += requestStream.Current.Payload?.Body.Length ?? 0;
            WatchedGzip.Forget();
        }

        return new StreamingInputCallResponse { AggregatedPayloadSize = size };
    }

    public override async Task StreamingOutputCall(
        StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responseStream, ServerCallContext context)
    {
        await SendHeadersAsync(context, request.ResponseParameters.Any(response => response.Compressed?.Value == true));
        await AnswerAsync(request, responseStream, context);
    }

    public override async Task FullDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requestStream, IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context)
    {
        await SendHeadersAsync(context, compress: false);
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
            await AnswerAsync(request, responseStream, context);
    }

    public override async Task HalfDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requestStream, IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context)
    {
        await SendHeadersAsync(context, compress: false);
        foreach (var request in await requestStream.ReadAllAsync(context.CancellationToken).ToListAsync(context.CancellationToken))
            await AnswerAsync(request, responseStream, context);
    }

    private static async Task<Empty> EchoAsync(ServerCallContext context)
    {
        await SendHeadersAsync(context, compress: false);
        return await Nothing;
    }

    private static async Task AnswerAsync(
        StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responses, ServerCallContext context)
    {
        ThrowIfFailureAsked(request.ResponseStatus);
        foreach (var response in request.ResponseParameters)
        {
            if (response.IntervalUs > 0)
                await Task.Delay(TimeSpan.FromMicroseconds(response.IntervalUs), context.CancellationToken);
            responses.WriteOptions = response.Compressed?.Value == true ? null : Plain;
            await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Zeros(response.Size) }, context.CancellationToken);
        }
    }

    private static Task SendHeadersAsync(ServerCallContext context, bool compress)
    {
        if (context.RequestHeaders.GetValueBytes(EchoTrailing) is { } trailing)
            context.ResponseTrailers.Add(EchoTrailing, trailing);

        var headers = new Metadata();
        if (context.RequestHeaders.GetValue(EchoInitial) is { } initial)
            headers.Add(EchoInitial, initial);
        if (compress && ReadsGzip(context))
            headers.Add(EncodingRequest, "gzip");
        return headers.Count == 0 ? Task.CompletedTask : context.WriteResponseHeadersAsync(headers);
    }

    // What the message asks for does not say that its sender can read it.
    private static bool ReadsGzip(ServerCallContext context) =>
        context.GetHttpContext().Request.Headers.GetCommaSeparatedValues("grpc-accept-encoding").Contains("gzip");

    private static void RequireCompression(BoolValue? expected)
    {
        if (expected is not null && expected.Value != WatchedGzip.WasUsed)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"The request should {(expected.Value ? "" : "not ")}have been compressed."));
    }

    private static void ThrowIfFailureAsked(EchoStatus? asked)
    {
        if (asked is { Code: not 0 })
            throw new RpcException(new Status((StatusCode)asked.Code, asked.Message));
    }

    private static Payload Zeros(int size) => size is >= 0 and <= PayloadBytesMax
        ? new Payload { Body = UnsafeByteOperations.UnsafeWrap(new byte[size]) }
        : throw new RpcException(new Status(StatusCode.InvalidArgument, $"A size between 0 and {PayloadBytesMax} was expected and {size} found."));
}
