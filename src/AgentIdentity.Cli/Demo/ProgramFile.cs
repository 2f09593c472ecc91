using System.Diagnostics;

namespace AgentIdentity.Cli.Demo;

/// <summary>A program that was built beside this one, as an executable or as a dll for the dotnet host.</summary>
internal sealed record ProgramFile(string Path)
{
    /// <summary>The program that was named, or else the one that stands where a build or a publish puts it.</summary>
    public static ProgramFile Find(string? named, string assemblyName, string option)
    {
        if (named is not null)
            return File.Exists(named) ? new ProgramFile(System.IO.Path.GetFullPath(named)) : throw Failure.Usage($"There is no file {named}.");
        var candidates = Folders(assemblyName).SelectMany(folder => Files(folder, assemblyName)).ToArray();
        var found = Array.Find(candidates, File.Exists);
        return found is not null
            ? new ProgramFile(found)
            : throw Failure.Usage($"{assemblyName} is neither beside agentid nor where a build puts it.", $"Build it (dotnet build), or say where it is with {option} PATH.");
    }

    /// <summary>This very program, started again.</summary>
    public static ProgramFile Own() => Find(null, typeof(ProgramFile).Assembly.GetName().Name!, "--server");

    public ProcessStartInfo Start(params IEnumerable<string> arguments)
    {
        var isDll = Path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(isDll ? "dotnet" : Path)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in isDll ? arguments.Prepend(Path) : arguments)
            start.ArgumentList.Add(argument);
        return start;
    }

    // Beside each other when published into one folder; otherwise artifacts/bin/PROJECT/CONFIGURATION and artifacts/publish/PROJECT/CONFIGURATION.
    private static string[] Folders(string assemblyName)
    {
        var own = AppContext.BaseDirectory.TrimEnd(System.IO.Path.DirectorySeparatorChar);
        var configuration = System.IO.Path.GetFileName(own);
        return [own, System.IO.Path.GetFullPath(System.IO.Path.Combine(own, "..", "..", assemblyName, configuration))];
    }

    private static string[] Files(string folder, string assemblyName)
    {
        var path = System.IO.Path.Combine(folder, assemblyName);
        return OperatingSystem.IsWindows() ? [path + ".exe", path + ".dll"] : [path, path + ".dll"];
    }
}
