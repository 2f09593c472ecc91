using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tokens;

/// <summary>Hashes as tokens write them: base64url, 43 characters. (<see cref="Hash.ToString"/> is the padded base64 of checkpoints.)</summary>
public static class HashText
{
    /// <summary>base64url without padding, as in <c>ath</c>, <c>body_sha256</c> and <c>token_hash</c>.</summary>
    public static string ToBase64Url(this Hash hash)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        hash.CopyTo(bytes);
        return CanonicalBase64Url.Encode(bytes);
    }

    /// <summary>Reads the text of a hash, and no other spelling of it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Hash hash)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        var isHash = CanonicalBase64Url.TryDecodeExactly(text, bytes);
        hash = isHash ? Hash.Read(bytes) : default;
        return isHash;
    }

    /// <summary>Reads a member that is a hash.</summary>
    internal static bool TryGetHash(this JsonElement owner, ReadOnlySpan<byte> name, out Hash hash)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        var isHash = owner.TryGetBytes(name, bytes);
        hash = isHash ? Hash.Read(bytes) : default;
        return isHash;
    }

    /// <summary>Whether a member is this hash; takes the same time wherever they differ.</summary>
    internal static bool HasHash(this JsonElement owner, ReadOnlySpan<byte> name, Hash hash)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        return owner.TryGetBytes(name, bytes) && Hash.Read(bytes) == hash;
    }
}
