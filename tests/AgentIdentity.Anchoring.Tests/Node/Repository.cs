namespace AgentIdentity.Anchoring.Tests.Node;

internal static class Repository
{
    /// <summary>The folder of the contracts, above wherever the tests were built to.</summary>
    public static string Contracts { get; } = Path.Combine(Above(new DirectoryInfo(AppContext.BaseDirectory)), "contracts");

    /// <summary>What npm installed, or a failed test.</summary>
    public static string Installed(string path)
    {
        var installed = Path.Combine(Contracts, "node_modules", path);
        Assert.True(File.Exists(installed), $"{path} is not installed: run tests/install (or: npm ci --ignore-scripts, in contracts).");
        return installed;
    }

    private static string Above(DirectoryInfo? folder) => folder switch
    {
        null => throw new DirectoryNotFoundException("No folder above the tests holds AgentIdentity.sln."),
        _ when File.Exists(Path.Combine(folder.FullName, "AgentIdentity.sln")) => folder.FullName,
        _ => Above(folder.Parent),
    };
}
