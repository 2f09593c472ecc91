using System.Text;

namespace AgentIdentity.Cli;

/// <summary>A text that a verb takes from a file or from a pipe.</summary>
internal static class InputText
{
    /// <summary>What stands for standard input where a file could be named.</summary>
    public const string Standard = "-";

    private const int LengthMax = 64 * 1024;
    private const int BlockLength = 64 * 1024;

    /// <summary>The text, without the white space around it.</summary>
    public static async Task<string> ReadAsync(Invocation run, string file, string what, string next, CancellationToken cancellationToken)
    {
        if (file == Standard)
            return await ReadAsync(run.Input, "standard input", what, next, cancellationToken);
        using var reader = File.Exists(file) ? File.OpenText(file) : throw Failure.Usage($"There is no file {file}.", next);
        return await ReadAsync(reader, file, what, next, cancellationToken);
    }

    /// <summary>A file of at most so many bytes. One more is read than may be there, so that what has no end is refused too.</summary>
    public static byte[] ReadBytes(string file, int bytesMax)
    {
        if (!File.Exists(file))
            throw Failure.Usage($"There is no file {file}.");
        using var stream = File.OpenRead(file);
        return ReadBytes(stream, file, bytesMax);
    }

    /// <summary>The same of a file or, for <see cref="Standard"/>, of standard input.</summary>
    public static byte[] ReadBytes(Invocation run, string file, int bytesMax) =>
        file == Standard ? ReadStandard(run, bytesMax) : ReadBytes(file, bytesMax);

    private static byte[] ReadStandard(Invocation run, int bytesMax)
    {
        var (text, buffer) = (new StringBuilder(), new char[BlockLength]);
        for (int read; (read = run.Input.ReadBlock(buffer)) > 0 && text.Length <= bytesMax;)
            text.Append(buffer, 0, read);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        return bytes.Length <= bytesMax ? bytes : throw TooLong("standard input", bytesMax);
    }

    private static byte[] ReadBytes(Stream stream, string source, int bytesMax)
    {
        using var content = new MemoryStream();
        var buffer = new byte[BlockLength];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            content.Write(buffer, 0, read);
            if (content.Length > bytesMax)
                throw TooLong(source, bytesMax);
        }
        return content.ToArray();
    }

    private static Failure TooLong(string source, int bytesMax) => Failure.Usage($"{source} is longer than {bytesMax:N0} bytes, the most that is read.");

    private static async Task<string> ReadAsync(TextReader reader, string source, string what, string next, CancellationToken cancellationToken)
    {
        var buffer = new char[LengthMax + 1];
        var length = await reader.ReadBlockAsync(buffer, cancellationToken);
        var text = new string(buffer, 0, length).Trim();
        return text.Length > 0 && length <= LengthMax ? text : throw Failure.Usage($"{what} is expected in {source}: 1 to {LengthMax} characters.", next);
    }
}
