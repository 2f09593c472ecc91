using System.Security.Cryptography;
using AgentIdentity.Credentials.Tokens;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.AspNetCore;

/// <summary>In an endpoint's metadata: what it does cannot be undone, so the agent's proof must cover the body as well (<c>body_sha256</c>). A client certificate is not enough here.</summary>
/// <param name="BytesMax">A longer body is refused, since it is held until its hash is known.</param>
public sealed record SignedBody(int BytesMax)
{
    /// <summary>1 MiB.</summary>
    public const int BytesMaxDefault = 1 << 20;

    private const int BytesInMemory = 64 << 10;
    private const int PieceSize = 8 << 10;

    /// <summary>The hash of the whole body, which the endpoint still finds unread; null when it is longer than it may be.</summary>
    internal async Task<string?> HashAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        request.EnableBuffering(BytesInMemory);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[PieceSize];
        for (var length = 0; await request.Body.ReadAsync(piece, cancellationToken) is > 0 and var read;)
        {
            length += read;
            // Whatever length was announced.
            if (length > BytesMax)
                return null;
            hash.AppendData(piece, 0, read);
        }
        request.Body.Position = 0;
        return CanonicalBase64Url.Encode(hash.GetHashAndReset());
    }
}
