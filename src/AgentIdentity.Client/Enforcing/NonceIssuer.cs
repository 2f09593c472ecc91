using System.Buffers.Binary;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Client.Enforcing;

/// <summary>
/// The nonces of this instance since it started: a time, and a MAC over it with a key that is made at the start and never leaves. So none need be
/// remembered, and none of another instance or of before a restart is good.
/// </summary>
public sealed class NonceIssuer(TimeProvider clock)
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(30);

    private const int TimeSize = sizeof(long);
    private const int Size = TimeSize + SHA256.HashSizeInBytes;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);
    private volatile Given _given = new("", DateTimeOffset.MinValue);

    /// <summary>A good nonce; for half a minute the same one.</summary>
    public string Current()
    {
        var now = clock.GetUtcNow();
        var given = _given;
        if (given.Text.Length == 0 || (now - given.At).Duration() >= Renewal)
            _given = given = new Given(Make(now.ToUnixTimeSeconds()), DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds()));
        return given.Text;
    }

    /// <summary>Whether the nonce is one of this instance, and no older than five minutes.</summary>
    public bool IsGood(string nonce)
    {
        var given = _given;
        // Nearly everybody has the newest, whose MAC need not be computed again.
        if (given.Text.Length > 0 && nonce == given.Text)
            return IsFresh(given.At);
        Span<byte> bytes = stackalloc byte[Size];
        if (!CanonicalBase64Url.TryDecodeExactly(nonce, bytes))
            return false;
        Span<byte> expected = stackalloc byte[Size];
        var madeAt = BinaryPrimitives.ReadInt64BigEndian(bytes);
        Fill(expected, madeAt);
        // The time is believed only under its MAC; before that it may be no time at all.
        return CryptographicOperations.FixedTimeEquals(bytes, expected) && IsFresh(DateTimeOffset.FromUnixTimeSeconds(madeAt));
    }

    private bool IsFresh(DateTimeOffset madeAt) => (clock.GetUtcNow() - madeAt).Duration() < Life;

    private string Make(long seconds)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Fill(bytes, seconds);
        return CanonicalBase64Url.Encode(bytes);
    }

    private void Fill(Span<byte> destination, long seconds)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, seconds);
        HMACSHA256.HashData(_key, destination[..TimeSize], destination[TimeSize..]);
    }

    private sealed record Given(string Text, DateTimeOffset At);
}
