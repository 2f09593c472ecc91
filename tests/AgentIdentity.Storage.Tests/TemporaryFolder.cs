using System.Security.Cryptography;

namespace AgentIdentity.Storage.Tests;

/// <summary>A folder for one test. It lies in memory where the system has such a place: what is tested is what reaches the file system, not the disk behind it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string Memory = "/dev/shm";

    public TemporaryFolder()
    {
        var parent = Directory.Exists(Memory) ? Memory : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Combine(parent, "agentidentity-" + RandomNumberGenerator.GetHexString(16));
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
