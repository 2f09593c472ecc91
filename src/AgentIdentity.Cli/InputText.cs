namespace AgentIdentity.Cli;

/// <summary>A text that a verb takes from a file or from a pipe.</summary>
internal static class InputText
{
    /// <summary>What stands for standard input where a file could be named.</summary>
    public const string Standard = "-";

    private const int LengthMax = 64 * 1024;

    /// <summary>The text, without the white space around it.</summary>
    public static async Task<string> ReadAsync(Invocation run, string file, string what, string next, CancellationToken cancellationToken)
    {
        if (file == Standard)
            return await ReadAsync(run.Input, "standard input", what, next, cancellationToken);
        using var reader = File.Exists(file) ? File.OpenText(file) : throw Failure.Usage($"There is no file {file}.", next);
        return await ReadAsync(reader, file, what, next, cancellationToken);
    }

    private static async Task<string> ReadAsync(TextReader reader, string source, string what, string next, CancellationToken cancellationToken)
    {
        var buffer = new char[LengthMax + 1];
        var length = await reader.ReadBlockAsync(buffer, cancellationToken);
        var text = new string(buffer, 0, length).Trim();
        return text.Length > 0 && length <= LengthMax ? text : throw Failure.Usage($"{what} is expected in {source}: 1 to {LengthMax} characters.", next);
    }
}
