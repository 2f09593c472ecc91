using System.Buffers.Binary;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.AspNetCore;

/// <summary>What the guard needs to know of gRPC over HTTP/2, so that a gRPC service is guarded as any endpoint is.</summary>
internal static class GrpcCall
{
    private const string ContentType = "application/grpc";
    private const string Domain = "agentidentity.v1";

    // One byte that tells of compression, four of length.
    private const int FrameSize = 5;

    public static bool IsOne(HttpRequest request) => request.ContentType?.StartsWith(ContentType, StringComparison.Ordinal) == true;

    /// <summary>Reads the frame around a message. False when the body is not one message as it is: then the proof would have to cover the frame, and no client's does.</summary>
    public static async Task<bool> TryReadFrameAsync(Stream body, int length, CancellationToken cancellationToken)
    {
        var frame = new byte[FrameSize];
        return await body.ReadAtLeastAsync(frame, FrameSize, throwOnEndOfStream: false, cancellationToken) == FrameSize
            && frame[0] == 0 && BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(1)) == length - FrameSize;
    }

    /// <summary>Refuses a call: all of the answer is in its headers. Clients know the reason, and the nonce that is asked for, as they do the registry's.</summary>
    public static void Refuse(HttpResponse response, int httpStatus, string title, string reason)
    {
        var code = httpStatus switch
        {
            StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
            StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
            StatusCodes.Status413PayloadTooLarge => StatusCode.ResourceExhausted,
            StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
            _ => throw new InvalidOperationException($"No gRPC status for the HTTP status {httpStatus}."),
        };
        var details = new Google.Rpc.Status { Code = (int)code, Message = title, Details = { Any.Pack(new ErrorInfo { Reason = reason, Domain = Domain }) } };
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = ContentType;
        response.Headers["grpc-status"] = ((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(title);
        response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(details.ToByteArray());
    }
}
