namespace AgentIdentity.Interop.Tests;

internal static class Repository
{
    /// <summary>The folder of the solution, above wherever the tests were built to.</summary>
    public static string Root { get; } = Above(new DirectoryInfo(AppContext.BaseDirectory));

    private static string Above(DirectoryInfo? folder) => folder switch
    {
        null => throw new DirectoryNotFoundException("No folder above the tests holds AgentIdentity.sln."),
        _ when File.Exists(Path.Combine(folder.FullName, "AgentIdentity.sln")) => folder.FullName,
        _ => Above(folder.Parent),
    };
}
