using System.Collections.Frozen;
using System.Text;

namespace AgentIdentity.Credentials;

/// <summary>The text form of a <see cref="Refusal"/>: its name in UPPER_SNAKE, as it goes over the wire.</summary>
public static class Refusals
{
    private static readonly string[] Names = [.. Enum.GetNames<Refusal>().Select(UpperSnake)];

    private static readonly FrozenDictionary<string, Refusal> ByName =
        Enum.GetValues<Refusal>().ToFrozenDictionary(refusal => Names[(int)refusal], StringComparer.Ordinal);

    /// <summary>The name on the wire, for example <c>USE_DPOP_NONCE</c>.</summary>
    public static string Name(this Refusal refusal) => Names[(int)refusal];

    /// <summary>Reads a name as <see cref="Name"/> writes it. False for any other text.</summary>
    public static bool TryParse(string? name, out Refusal refusal)
    {
        refusal = default;
        return name is not null && ByName.TryGetValue(name, out refusal);
    }

    private static string UpperSnake(string pascal)
    {
        var name = new StringBuilder();
        foreach (var letter in pascal)
        {
            if (char.IsAsciiLetterUpper(letter) && name.Length > 0)
                name.Append('_');
            name.Append(char.ToUpperInvariant(letter));
        }
        return name.ToString();
    }
}
