using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;
using static Grpc.Reflection.V1.ServerReflectionRequest;

namespace AgentIdentity.Server.Grpc;

/// <summary>The standard reflection service, so that tools can call this server without its protos.</summary>
internal sealed class ReflectionService(DescriptorIndex index) : ServerReflection.ServerReflectionBase
{
    /// <summary>Nobody is asked for a key, and a stream may be quiet for ever: a tool holds one while somebody looks around, and everybody behind a proxy has its address.</summary>
    public const int StreamsPerAddressMax = 64;

    /// <summary>Of those who ask, under either name.</summary>
    public WatchPlaces Places { get; } = new(StreamsPerAddressMax);

    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        using var place = Places.Take(context);
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
            await responseStream.WriteAsync(Answer(request, context), context.CancellationToken);
    }

    public ServerReflectionResponse Answer(ServerReflectionRequest request, ServerCallContext context)
    {
        var response = request.MessageRequestCase switch
        {
            MessageRequestOneofCase.ListServices => ServiceList(context),
            MessageRequestOneofCase.FileByFilename => FileOrNotFound(index.FileNamed(request.FileByFilename)),
            MessageRequestOneofCase.FileContainingSymbol => FileOrNotFound(index.FileDefining(request.FileContainingSymbol)),
            // proto3 has no extensions but those of its own options, which nobody asks a server for.
            MessageRequestOneofCase.FileContainingExtension => Error(StatusCode.NotFound, "There are no extensions."),
            MessageRequestOneofCase.AllExtensionNumbersOfType => Error(StatusCode.NotFound, "There are no extensions."),
            MessageRequestOneofCase.None => Error(StatusCode.InvalidArgument, "A question was expected and none found."),
            var unknown => throw new InvalidOperationException($"{unknown} is a question that nobody thought of."),
        };
        response.ValidHost = request.Host;
        response.OriginalRequest = request;
        return response;
    }

    private static ServerReflectionResponse FileOrNotFound(FileDescriptor? file) => file is null
        ? Error(StatusCode.NotFound, "No file of that name or with that symbol is served.")
        : new() { FileDescriptorResponse = new() { FileDescriptorProto = { DescriptorIndex.WithImports(file).Select(found => found.SerializedData) } } };

    private static ServerReflectionResponse Error(StatusCode code, string message) =>
        new() { ErrorResponse = new() { ErrorCode = (int)code, ErrorMessage = message } };

    // Only what answers where the question was asked.
    private ServerReflectionResponse ServiceList(ServerCallContext context)
    {
        var listener = CallState.Find(context)?.Listener ?? Listeners.None;
        var services = index.Services.Where(name => AccessTable.HasService(name, listener)).Select(name => new ServiceResponse { Name = name });
        return new() { ListServicesResponse = new() { Service = { services } } };
    }
}
