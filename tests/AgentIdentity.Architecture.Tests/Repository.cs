using System.Diagnostics;

namespace AgentIdentity.Architecture.Tests;

/// <summary>The files of this repository, as the one who checks it out gets them.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>Tracked files that match git patterns, where * also matches folders.</summary>
    public static IReadOnlyList<string> Files(params string[] patterns)
    {
        var git = new ProcessStartInfo("git") { WorkingDirectory = Root, RedirectStandardOutput = true, ArgumentList = { "ls-files", "-z", "--" } };
        foreach (var pattern in patterns)
            git.ArgumentList.Add(pattern);
        using var process = Process.Start(git)!;
        var names = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return [.. names.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(name => Path.Combine(Root, name)).Where(File.Exists)];
    }

    private static string FindRoot(string folder) => File.Exists(Path.Combine(folder, "AgentIdentity.sln"))
        ? folder
        : FindRoot(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository."));
}
