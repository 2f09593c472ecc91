using Google.Protobuf;
using Grpc.Core;
using Grpc.Reflection.V1Alpha;

namespace AgentIdentity.Server.Grpc;

/// <summary>Reflection under its first name. The two are the same on the wire, so questions and answers cross over as bytes.</summary>
internal sealed class ReflectionV1AlphaService(ReflectionService current) : ServerReflection.ServerReflectionBase
{
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        using var place = current.Places.Take(context);
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
        {
            var answer = current.Answer(global::Grpc.Reflection.V1.ServerReflectionRequest.Parser.ParseFrom(request.ToByteString()), context);
            await responseStream.WriteAsync(ServerReflectionResponse.Parser.ParseFrom(answer.ToByteString()), context.CancellationToken);
        }
    }
}
