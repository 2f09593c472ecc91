using System.Text;

namespace AgentIdentity.Cli;

/// <summary>Lines for people, in which words that came from a file or a server are words and nothing else.</summary>
/// <remarks>A stop's reason could else begin a line of its own, colour it, or turn around what stands behind it: a forged verdict.</remarks>
internal sealed class PlainWriter(TextWriter inner) : TextWriter
{
    private const char Replacement = '\ufffd';

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => inner.Write(Steers(value) ? Replacement : value);

    public override void WriteLine() => inner.WriteLine();

    public override void WriteLine(string? value)
    {
        Write(value);
        WriteLine();
    }

    public override void Flush() => inner.Flush();

    // C0, DEL and C1; the marks, embeddings, overrides and isolates of right-to-left text; line and paragraph separators.
    private static bool Steers(char value) =>
        char.IsControl(value) || value is '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
