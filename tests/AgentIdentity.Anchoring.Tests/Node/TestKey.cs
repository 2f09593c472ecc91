using System.Security.Cryptography;
using AgentIdentity.Anchoring.Ethereum;

namespace AgentIdentity.Anchoring.Tests.Node;

/// <summary>A key of chance in a file that only its owner may read.</summary>
public sealed class TestKey : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("chain-key-");

    public TestKey()
        : this(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)))
    {
    }

    public TestKey(string text)
    {
        Path = System.IO.Path.Combine(_folder.FullName, "key");
        File.WriteAllText(Path, text + "\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Signer = KeyFileSigner.Open(Path);
    }

    public string Path { get; }

    public KeyFileSigner Signer { get; }

    public void Dispose()
    {
        Signer.Dispose();
        _folder.Delete(recursive: true);
    }
}
