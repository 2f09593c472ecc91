using System.Security.Cryptography;
using AgentIdentity.Credentials.Tokens;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.AspNetCore;

/// <summary>In an endpoint's metadata: what it does cannot be undone, so the agent's proof must cover the body as well (<c>body_sha256</c>); over gRPC, the message of a unary call. A client certificate is not enough here.</summary>
/// <param name="BytesMax">A longer body is refused, since it is held until its hash is known.</param>
public sealed record SignedBody(int BytesMax)
{
    /// <summary>1 MiB.</summary>
    public const int BytesMaxDefault = 1 << 20;

    private const int BytesInMemory = 64 << 10;
    private const int PieceSize = 8 << 10;

    /// <summary>The hash of what the proof must cover, which the endpoint still finds unread: the whole body, over gRPC the message in it. Null when the body is longer than it may be.</summary>
    internal async Task<string?> HashAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        request.EnableBuffering(BytesInMemory);
        if (await LengthAsync(request.Body, cancellationToken) is not { } length)
            return null;
        request.Body.Position = 0;
        if (!GrpcCall.IsOne(request) || !await GrpcCall.TryReadFrameAsync(request.Body, length, cancellationToken))
            request.Body.Position = 0;
        var hash = await SHA256.HashDataAsync(request.Body, cancellationToken);
        request.Body.Position = 0;
        return CanonicalBase64Url.Encode(hash);
    }

    // Whatever length was announced.
    private async Task<int?> LengthAsync(Stream body, CancellationToken cancellationToken)
    {
        var piece = new byte[PieceSize];
        var length = 0;
        while (await body.ReadAsync(piece, cancellationToken) is > 0 and var read)
        {
            length += read;
            if (length > BytesMax)
                return null;
        }
        return length;
    }
}
