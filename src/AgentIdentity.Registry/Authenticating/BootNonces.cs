using System.Buffers.Binary;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Registry.Authenticating;

/// <summary>Nonces that need no memory: a time under a key that this process made when it started. So they serve for five minutes, here, and not after a restart.</summary>
public sealed class BootNonces(TimeProvider clock, string purpose)
{
    internal static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    // 8 bytes of time and 24 bytes of HMAC.
    private const int Size = 32;

    private readonly byte[] _key = HMACSHA256.HashData(RandomNumberGenerator.GetBytes(32), System.Text.Encoding.ASCII.GetBytes(purpose));
    private Issued _current = new(DateTimeOffset.MinValue, "");

    /// <summary>A good nonce; the same one for all who ask within a minute.</summary>
    public string Current()
    {
        var now = clock.GetUtcNow();
        var current = Volatile.Read(ref _current);
        if (now - current.At is { } age && age >= TimeSpan.Zero && age < TimeSpan.FromMinutes(1))
            return current.Text;
        current = new Issued(now, Make(now));
        Volatile.Write(ref _current, current);
        return current.Text;
    }

    public bool IsGood(string? nonce)
    {
        if (nonce is null)
            return false;
        // Nearly everybody sends the newest one, which we know without computing it again.
        var current = Volatile.Read(ref _current);
        if (current.Text.Length > 0 && nonce == current.Text)
            return IsFresh(current.At);
        Span<byte> bytes = stackalloc byte[Size];
        if (!CanonicalBase64Url.TryDecodeExactly(nonce, bytes))
            return false;
        Span<byte> expected = stackalloc byte[Size];
        Fill(BinaryPrimitives.ReadInt64BigEndian(bytes), expected);
        return CryptographicOperations.FixedTimeEquals(bytes, expected)
            && IsFresh(DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes)));
    }

    private bool IsFresh(DateTimeOffset at) => (clock.GetUtcNow() - at).Duration() < Life;

    private string Make(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Fill(now.ToUnixTimeMilliseconds(), bytes);
        return CanonicalBase64Url.Encode(bytes);
    }

    private void Fill(long milliseconds, Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, milliseconds);
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_key, destination[..8], mac);
        mac[..(Size - 8)].CopyTo(destination[8..]);
    }

    private sealed record Issued(DateTimeOffset At, string Text);
}
