using System.Text;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Tokens;

/// <summary>Makes tokens that a genuine key signed and that are wrong all the same, so that it is the check under test that refuses them.</summary>
internal static class Forge
{
    public static string Token(string header, string payload, PrivateKey key) => Token(Vectors.Utf8(header), Vectors.Utf8(payload), key);

    public static string Token(byte[] header, byte[] payload, PrivateKey key)
    {
        var signingInput = $"{CanonicalBase64Url.Encode(header)}.{CanonicalBase64Url.Encode(payload)}";
        return $"{signingInput}.{CanonicalBase64Url.Encode(key.Sign(Encoding.ASCII.GetBytes(signingInput)))}";
    }

    public static string Token(string header, string payload, byte[] signature) =>
        $"{CanonicalBase64Url.Encode(Vectors.Utf8(header))}.{CanonicalBase64Url.Encode(Vectors.Utf8(payload))}.{CanonicalBase64Url.Encode(signature)}";

    /// <summary>The text with one piece replaced, which must stand in it exactly once.</summary>
    public static string With(this string text, string piece, string replacement)
    {
        Assert.Equal(2, text.Split(piece).Length);
        return text.Replace(piece, replacement, StringComparison.Ordinal);
    }

    public static string Part(string token, int number) => token.Split('.')[number];

    public static string WithPart(string token, int number, string part)
    {
        var parts = token.Split('.');
        parts[number] = part;
        return string.Join('.', parts);
    }

    /// <summary>Another text of base64url that the same bytes would be read from by a reader that ignores the last bits.</summary>
    public static string WithStrayBits(string part)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Assert.NotEqual(0, part.Length % 4);
        return part[..^1] + alphabet[alphabet.IndexOf(part[^1], StringComparison.Ordinal) + 1];
    }
}
