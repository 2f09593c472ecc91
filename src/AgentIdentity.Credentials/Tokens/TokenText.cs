using System.Text;

namespace AgentIdentity.Credentials.Tokens;

/// <summary>A token as it came: its letters, each a byte. Nothing is read of it yet.</summary>
/// <param name="ascii">Must not change any more.</param>
public readonly struct TokenText(ReadOnlyMemory<byte> ascii)
{
    /// <summary>The letters.</summary>
    public ReadOnlyMemory<byte> Ascii { get; } = ascii;

    /// <summary>How many.</summary>
    public int Length => Ascii.Length;

    /// <summary>A text's letters; none for null. What is not ASCII becomes a question mark, which stands in no token.</summary>
    public static implicit operator TokenText(string? text) => new(text is null ? default(ReadOnlyMemory<byte>) : Encoding.ASCII.GetBytes(text));
}
