using System.Text.RegularExpressions;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>A command of the walk-through, and what the document says that it prints.</summary>
internal sealed record Step(string Command, IReadOnlyList<string> Output)
{
    public bool IsInBackground => Command.EndsWith('&');
}

/// <summary>The commands in the marked console blocks of a Markdown file.</summary>
internal static partial class WalkThrough
{
    public const string Marker = "<!-- walk-through -->";

    private const string BlockStart = "```console";
    private const string Prompt = "$ ";

    public static IReadOnlyList<Step> Read(string markdown)
    {
        var steps = new List<Step>();
        foreach (var part in markdown.Split(Marker).Skip(1))
        {
            var lines = part.Split('\n').SkipWhile(line => line != BlockStart).Skip(1).TakeWhile(line => line != "```").ToArray();
            steps.AddRange(Read(lines));
        }
        return steps;
    }

    /// <summary>Takes out of a line what is another each time: ids, times, hashes, keys, ports, places in the ledger, folders, and the width of columns.</summary>
    public static string Normalise(string line)
    {
        foreach (var (pattern, placeholder) in Placeholders)
            line = pattern.Replace(line, placeholder);
        return line.TrimEnd();
    }

    private static readonly (Regex, string)[] Placeholders =
    [
        (Uuid(), "UUID"), (Time(), "TIME"), (LogKey(), "LOGKEY"), (Hash(), "HASH"), (Port(), "127.0.0.1:PORT"), (Folder(), "$1/FOLDER/$2"), (Data(), "data=FOLDER"),
        (Place(), "$1 N"), (Row(), "N "), (Path(), "over N to"), (Took(), "N $1"), (Counted(), "$1 N "), (DrillName(), "drill KEY"), (Spaces(), " "),
    ];

    private static List<Step> Read(string[] lines)
    {
        var steps = new List<Step>();
        var next = 0;
        while (next < lines.Length)
        {
            var command = lines[next++][Prompt.Length..];
            while (command.EndsWith('\\'))
                command = command[..^1] + lines[next++].TrimStart();
            var first = next;
            while (next < lines.Length && !lines[next].StartsWith(Prompt, StringComparison.Ordinal))
                next++;
            steps.Add(new Step(command, lines[first..next]));
        }
        return steps;
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")]
    private static partial Regex Time();

    [GeneratedRegex(@"localhost:5000\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+")]
    private static partial Regex LogKey();

    [GeneratedRegex("[A-Za-z0-9_-]{43}=?|[0-9a-f]{64}")]
    private static partial Regex Hash();

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex Port();

    [GeneratedRegex(@"(^| )/\S*/(\.agentid/)")]
    private static partial Regex Folder();

    [GeneratedRegex(@"\d+(?:\.\d)? (m?s) ")]
    private static partial Regex Took();

    [GeneratedRegex(@"(let in|of) \d+ ")]
    private static partial Regex Counted();

    [GeneratedRegex("drill [A-Za-z0-9_-]{8}(?=[: ])")]
    private static partial Regex DrillName();

    [GeneratedRegex(@"data=\S+")]
    private static partial Regex Data();

    [GeneratedRegex(@"\b(entry|epoch|position|tree of) +\d+")]
    private static partial Regex Place();

    [GeneratedRegex(@"^\d+ +(?=TIME)")]
    private static partial Regex Row();

    [GeneratedRegex(@"over \d+ hash(es)? to")]
    private static partial Regex Path();

    [GeneratedRegex(" {2,}")]
    private static partial Regex Spaces();
}
