using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tokens;

/// <summary>A compact JWS (RFC 7515) taken apart: three parts, canonical base64url. Header and payload are parsed when they are asked for; nothing is verified yet.</summary>
internal sealed class CompactJws : IDisposable
{
    private readonly ReadOnlyMemory<byte> _ascii;
    private readonly int _headerLength;
    private readonly int _signingInputLength;
    private readonly ReadOnlyMemory<byte> _headerJson;
    private readonly ReadOnlyMemory<byte> _payloadJson;
    private readonly ReadOnlyMemory<byte> _signature;
    private JsonDocument? _header;
    private JsonDocument? _payload;

    private CompactJws(ReadOnlyMemory<byte> ascii, int headerLength, int signingInputLength, ReadOnlyMemory<byte> headerJson, ReadOnlyMemory<byte> payloadJson, ReadOnlyMemory<byte> signature)
    {
        _ascii = ascii;
        _headerLength = headerLength;
        _signingInputLength = signingInputLength;
        _headerJson = headerJson;
        _payloadJson = payloadJson;
        _signature = signature;
    }

    /// <summary>The payload, once <see cref="TryReadPayload"/> has read it.</summary>
    public JsonElement Payload => _payload!.RootElement;

    /// <summary>The payload as it came, for a reader of its own.</summary>
    public ReadOnlySpan<byte> PayloadJson => _payloadJson.Span;

    /// <summary>The whole token as bytes.</summary>
    public ReadOnlyMemory<byte> Ascii => _ascii;

    /// <summary>The header as it came. Its only spelling: equal texts are equal headers.</summary>
    public ReadOnlySpan<byte> HeaderText => _ascii.Span[.._headerLength];

    /// <summary>What was signed: header, dot and payload as they came. The same whatever signature stands under it, since anybody can make a second one for ES256.</summary>
    public ReadOnlySpan<byte> SigningInput => _ascii.Span[.._signingInputLength];

    public ReadOnlySpan<byte> Signature => _signature.Span;

    /// <summary>Reads a token whose payload is a strict JSON object.</summary>
    public static bool TryRead(TokenText token, int lengthMax, [NotNullWhen(true)] out CompactJws? jws)
    {
        if (TrySplit(token, lengthMax, out jws) && jws.TryReadPayload())
            return true;
        jws = null;
        return false;
    }

    /// <summary>Takes a token apart, whatever its payload is.</summary>
    public static bool TrySplit(TokenText token, int lengthMax, [NotNullWhen(true)] out CompactJws? jws)
    {
        jws = null;
        if (token.Length > lengthMax)
            return false;
        var ascii = token.Ascii.Span;
        var firstDot = ascii.IndexOf((byte)'.');
        var lastDot = ascii.LastIndexOf((byte)'.');
        if (firstDot == lastDot)
            return false;

        // A dot between the two is outside the alphabet, so the five parts of a JWE fail here as well.
        var decoded = new byte[CanonicalBase64Url.DecodedLength(token.Length)];
        if (!CanonicalBase64Url.TryDecode(ascii[..firstDot], decoded, out var headerLength)
            || !CanonicalBase64Url.TryDecode(ascii[(firstDot + 1)..lastDot], decoded.AsSpan(headerLength), out var payloadLength)
            || !CanonicalBase64Url.TryDecode(ascii[(lastDot + 1)..], decoded.AsSpan(headerLength + payloadLength), out var signatureLength))
            return false;
        jws = new CompactJws(
            token.Ascii, firstDot, lastDot, decoded.AsMemory(0, headerLength), decoded.AsMemory(headerLength, payloadLength), decoded.AsMemory(headerLength + payloadLength, signatureLength));
        return true;
    }

    /// <summary>Parses the payload; false unless it is a strict JSON object.</summary>
    public bool TryReadPayload() => _payload is not null || StrictJson.TryParseObject(_payloadJson, out _payload);

    /// <summary>Parses the header; false unless it is a strict JSON object.</summary>
    public bool TryReadHeader(out JsonElement header)
    {
        var isRead = _header is not null || StrictJson.TryParseObject(_headerJson, out _header);
        header = isRead ? _header!.RootElement : default;
        return isRead;
    }

    /// <summary>Whether the signature over the bytes received is the key's.</summary>
    public bool IsSignedBy(PublicKey key) => key.Verifies(SigningInput, Signature);

    /// <summary>As <see cref="IsSignedBy(PublicKey)"/>, for a P-256 key, and the hash of the whole token with it: the bytes are hashed once for both.</summary>
    public bool IsSignedBy(PublicKey key, out Hash tokenHash)
    {
        Sha256.HashStartAndWhole(_ascii.Span, _signingInputLength, out var signed, out tokenHash);
        return key.VerifiesHash(signed, _signature.Span);
    }

    /// <summary>Makes a token. The caller gives header and payload as JCS.</summary>
    public static string Sign(string header, string payload, PrivateKey key)
    {
        var signingInput = $"{Text(header)}.{Text(payload)}";
        return $"{signingInput}.{CanonicalBase64Url.Encode(key.Sign(Encoding.ASCII.GetBytes(signingInput)))}";
    }

    public void Dispose()
    {
        _header?.Dispose();
        _payload?.Dispose();
    }

    private static string Text(string json) => CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(json));
}
