using System.Runtime.InteropServices;
using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Hosting;

/// <summary>How many files and connections this process may have open at once. Without one to spare the runtime cannot load its own code, and ends the process: whoever may connect could end it.</summary>
internal static partial class OpenFiles
{
    // The runtime and our assemblies take some 200, store and readers a few dozen more; half of what there is is theirs.
    private const int Least = 1_024;

    // As many ports as one address has.
    private const int ConnectionsMax = 65_536;

    /// <exception cref="OptionsRefusedException">The environment allows too few to serve with.</exception>
    public static void Require()
    {
        var most = Most();
        if (most < Least)
            throw new OptionsRefusedException($"This process may open {most} files and connections, and {Least} are the least that it serves with: raise the limit (ulimit -n, or LimitNOFILE= of its service).");
    }

    /// <summary>How many connections a listener may hold: its part of what may be open.</summary>
    public static int Connections(int part) => Math.Min(Most() / part, ConnectionsMax);

    private static int Most()
    {
        if (OperatingSystem.IsWindows())
            return int.MaxValue;
        const int linux = 7, macOs = 8;
        return GetLimit(OperatingSystem.IsMacOS() ? macOs : linux, out var limit) == 0 ? (int)Math.Min(limit.Current, int.MaxValue) : Least;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    private struct Limit
    {
        public nuint Current;
        public nuint Most;
    }
}
