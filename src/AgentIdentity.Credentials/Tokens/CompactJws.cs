using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tokens;

/// <summary>A compact JWS (RFC 7515) taken apart: three parts, canonical base64url, header and payload strict JSON objects. Nothing is verified yet.</summary>
internal sealed class CompactJws : IDisposable
{
    private readonly JsonDocument _header;
    private readonly JsonDocument _payload;
    private readonly byte[] _ascii;
    private readonly int _signingInputLength;
    private readonly ReadOnlyMemory<byte> _signature;

    private CompactJws(JsonDocument header, JsonDocument payload, byte[] ascii, int signingInputLength, ReadOnlyMemory<byte> signature)
    {
        _header = header;
        _payload = payload;
        _ascii = ascii;
        _signingInputLength = signingInputLength;
        _signature = signature;
    }

    public JsonElement Header => _header.RootElement;

    public JsonElement Payload => _payload.RootElement;

    /// <summary>The whole token as bytes: what is hashed as <c>ath</c>.</summary>
    public ReadOnlySpan<byte> Ascii => _ascii;

    public static bool TryRead(ReadOnlySpan<char> token, int lengthMax, [NotNullWhen(true)] out CompactJws? jws)
    {
        jws = null;
        if (token.Length > lengthMax)
            return false;
        var firstDot = token.IndexOf('.');
        var lastDot = token.LastIndexOf('.');
        if (firstDot == lastDot)
            return false;

        // A dot between the two is outside the alphabet, so the five parts of a JWE fail here as well.
        var decoded = new byte[CanonicalBase64Url.DecodedLength(token.Length)];
        if (!CanonicalBase64Url.TryDecode(token[..firstDot], decoded, out var headerLength)
            || !CanonicalBase64Url.TryDecode(token[(firstDot + 1)..lastDot], decoded.AsSpan(headerLength), out var payloadLength)
            || !CanonicalBase64Url.TryDecode(token[(lastDot + 1)..], decoded.AsSpan(headerLength + payloadLength), out var signatureLength))
            return false;

        if (!StrictJson.TryParseObject(decoded.AsMemory(0, headerLength), out var header))
            return false;
        if (!StrictJson.TryParseObject(decoded.AsMemory(headerLength, payloadLength), out var payload))
        {
            header.Dispose();
            return false;
        }
        var ascii = new byte[token.Length];
        Encoding.ASCII.GetBytes(token, ascii);
        jws = new CompactJws(header, payload, ascii, lastDot, decoded.AsMemory(headerLength + payloadLength, signatureLength));
        return true;
    }

    /// <summary>Whether the signature over the bytes received is the key's.</summary>
    public bool IsSignedBy(PublicKey key) => key.Verifies(_ascii.AsSpan(0, _signingInputLength), _signature.Span);

    /// <summary>Makes a token. The caller gives header and payload as JCS.</summary>
    public static string Sign(string header, string payload, PrivateKey key)
    {
        var signingInput = $"{Text(header)}.{Text(payload)}";
        return $"{signingInput}.{CanonicalBase64Url.Encode(key.Sign(Encoding.ASCII.GetBytes(signingInput)))}";
    }

    public void Dispose()
    {
        _header.Dispose();
        _payload.Dispose();
    }

    private static string Text(string json) => CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(json));
}
