using System.Buffers.Binary;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.AspNetCore;

/// <summary>
/// The nonces of this instance since it started: a time, and a MAC over it with a key that is made at the start and never leaves. So none need be
/// remembered, and none of another instance or of before a restart is good.
/// </summary>
internal sealed class NonceIssuer(TimeProvider clock)
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private const int TimeSize = sizeof(long);
    private const int Size = TimeSize + SHA256.HashSizeInBytes;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    public string Current() => Make(clock.GetUtcNow().ToUnixTimeSeconds());

    public bool IsGood(string nonce)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (!CanonicalBase64Url.TryDecodeExactly(nonce, bytes))
            return false;
        Span<byte> expected = stackalloc byte[Size];
        var madeAt = BinaryPrimitives.ReadInt64BigEndian(bytes);
        Fill(expected, madeAt);
        // The time is believed only under its MAC; before that it may be no time at all.
        return CryptographicOperations.FixedTimeEquals(bytes, expected)
            && (clock.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(madeAt)).Duration() < Life;
    }

    private string Make(long seconds)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Fill(bytes, seconds);
        return CanonicalBase64Url.Encode(bytes);
    }

    private void Fill(Span<byte> bytes, long seconds)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, seconds);
        HMACSHA256.HashData(_key, bytes[..TimeSize], bytes[TimeSize..]);
    }
}
