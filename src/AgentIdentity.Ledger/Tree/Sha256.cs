using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace AgentIdentity.Ledger;

/// <summary>SHA-256 for many short inputs: the system's OpenSSL called directly, or the class library where there is none.</summary>
public static class Sha256
{
    // A kilobyte takes about half a microsecond with the processor's SHA instructions, and a few without.
    private const int ShortBytesMax = 1024;
    private const int BlockSize = 64;

    /// <summary>The SHA-256 of <paramref name="data"/>.</summary>
    public static Hash Hash(ReadOnlySpan<byte> data)
    {
        Hash(data, Ledger.Hash.Fill(out var hash));
        return hash;
    }

    /// <summary>Writes the SHA-256 of <paramref name="data"/> to the start of <paramref name="destination"/>.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> destination) => Hash([], data, destination);

    /// <summary>Writes the SHA-256 of <paramref name="prefix"/> ‖ <paramref name="data"/> to the start of <paramref name="destination"/>.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    public static void Hash(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        if (destination.Length < SHA256.HashSizeInBytes)
            throw new ArgumentException($"A SHA-256 takes {SHA256.HashSizeInBytes} bytes; there is room for {destination.Length}.", nameof(destination));
        if (LibCrypto.IsAvailable)
            HashNatively(prefix, data, destination);
        else
            HashManaged(prefix, data, destination);
    }

    /// <summary>The SHA-256 of the first bytes of a text and of all of it, for hardly more than the second: of what is signed, and of what carries the signature as well.</summary>
    /// <param name="data">The text.</param>
    /// <param name="length">How many bytes the first hash is of.</param>
    /// <param name="start">Of the first <paramref name="length"/> bytes.</param>
    /// <param name="whole">Of all.</param>
    public static unsafe void HashStartAndWhole(ReadOnlySpan<byte> data, int length, out Hash start, out Hash whole)
    {
        if (!LibCrypto.IsAvailable)
        {
            (start, whole) = (Hash(data[..length]), Hash(data));
            return;
        }
        LibCrypto.Sha256Context context;
        var done = LibCrypto.SHA256_Init(&context) & Update(&context, data[..length]);
        var first = context;
        fixed (byte* startBytes = Ledger.Hash.Fill(out start), wholeBytes = Ledger.Hash.Fill(out whole))
            Require(done & LibCrypto.SHA256_Final(startBytes, &first) & Update(&context, data[length..]) & LibCrypto.SHA256_Final(wholeBytes, &context));
    }

    /// <summary>Writes the HMAC-SHA-256 (RFC 2104) of <paramref name="message"/> under a key that is no longer than a block, 64 bytes. For many short messages, as above.</summary>
    /// <exception cref="ArgumentException">The key is longer than a block, or the destination shorter than 32 bytes.</exception>
    internal static void Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> destination)
    {
        if (key.Length > BlockSize)
            throw new ArgumentException($"A key of at most {BlockSize} bytes is expected; this one has {key.Length}.", nameof(key));
        Span<byte> block = stackalloc byte[BlockSize];
        Span<byte> inner = stackalloc byte[SHA256.HashSizeInBytes];
        Pad(key, 0x36, block);
        Hash(block, message, inner);
        Pad(key, 0x5c, block);
        Hash(block, inner, destination);
        CryptographicOperations.ZeroMemory(block);
    }

    internal static void HashManaged(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(prefix);
        hash.AppendData(data);
        hash.GetHashAndReset(destination);
    }

    private static void Pad(ReadOnlySpan<byte> key, byte pad, Span<byte> block)
    {
        block.Fill(pad);
        for (var i = 0; i < key.Length; i++)
            block[i] ^= key[i];
    }

    [SkipLocalsInit]
    private static unsafe void HashNatively(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> data, Span<byte> destination)
    {
        // These three fail only where their arguments are wrong; SHA256_Final fills the destination or the process is broken.
        LibCrypto.Sha256Context context;
        fixed (byte* hash = destination)
        {
            Require(LibCrypto.SHA256_Init(&context) & Update(&context, prefix) & Update(&context, data) & LibCrypto.SHA256_Final(hash, &context));
        }
    }

    private static void Require(int done)
    {
        if (done != 1)
            throw new CryptographicException("OpenSSL could not compute a SHA-256.");
    }

    private static unsafe int Update(LibCrypto.Sha256Context* context, ReadOnlySpan<byte> data)
    {
        fixed (byte* bytes = data)
        {
            return data.Length <= ShortBytesMax
                ? LibCrypto.SHA256_UpdateShort(context, bytes, (nuint)data.Length)
                : LibCrypto.SHA256_Update(context, bytes, (nuint)data.Length);
        }
    }
}
