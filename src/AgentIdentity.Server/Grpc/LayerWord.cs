using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>What the gRPC layer says by itself and the protocol demands in so many words, so that no refusal of ours takes its place.</summary>
internal static class LayerWord
{
    /// <summary>A message is marked as compressed and the call names no encoding: gRPC has INTERNAL for that, with a description of it.</summary>
    public static bool IsAboutCompression(Status status) =>
        status is { StatusCode: StatusCode.Internal, Detail: { } detail } && detail.EndsWith("with compressed message.", StringComparison.Ordinal);
}
