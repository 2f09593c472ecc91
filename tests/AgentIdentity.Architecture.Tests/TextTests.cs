using System.Text.RegularExpressions;

namespace AgentIdentity.Architecture.Tests;

/// <summary>What may not stand in any file of the repository.</summary>
public sealed partial class TextTests
{
    // Examples and vectors, whose keys are published on purpose, and the tests of key files.
    private static readonly string[] Published = ["tests/vectors/", "docs/formats.md", "tests/AgentIdentity.Credentials.Tests/Keys/"];

    [Fact]
    public void No_file_names_a_folder_of_the_machine_that_it_was_written_on() => AssertNone(MachinePath(), _ => true);

    [Fact]
    public void No_file_holds_a_private_key_or_a_token() => AssertNone(Secret(), name => !Published.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)));

    private static void AssertNone(Regex unwanted, Func<string, bool> isMeant)
    {
        var found = Repository.Files()
            .Where(path => isMeant(Path.GetRelativePath(Repository.Root, path).Replace('\\', '/')) && !path.EndsWith(".snk", StringComparison.Ordinal))
            .SelectMany(path => unwanted.Matches(File.ReadAllText(path)).Select(match => $"{path}: {match.Value}"));
        Assert.Empty(found);
    }

    // Built of pieces, so that this file is not the first to be found. The reader's own home, "you", may stand in examples.
    [GeneratedRegex("/(home|Users)/(?!you/)[a-z][a-z0-9_-]*/|/" + "work/(main|shared|wt-)")]
    private static partial Regex MachinePath();

    // A token of nothing but the letter A opens nothing; tests show it where only the form matters.
    [GeneratedRegex("-----BEGIN (RSA |EC )?PRIVATE" + " KEY-----\\s+[A-Za-z0-9+/=]{40}|\\bai[eb]_(?!A{43})[A-Za-z0-9_-]{43}\\b|\"d\"\\s*:\\s*\"[A-Za-z0-9_-]{43}\"")]
    private static partial Regex Secret();
}
