using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace AgentIdentity.Interop.Tests;

/// <summary>The interop host as a process, on free ports, with a certificate that lives as long as it does.</summary>
public sealed partial class InteropHost : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("interop-");
    private Process? process;

    public int Port { get; private set; }

    public int TlsPort { get; private set; }

    public string CertificateFile => Path.Combine(folder.FullName, "cert.pem");

    private string KeyFile => Path.Combine(folder.FullName, "key.pem");

    public async Task InitializeAsync()
    {
        WriteCertificate();
        var host = Path.Combine(AppContext.BaseDirectory, "AgentIdentity.InteropHost.dll");
        var start = new ProcessStartInfo("dotnet", [host, "--port", "0", "--tls-port", "0", "--cert", CertificateFile, "--key", KeyFile])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        process = Process.Start(start)!;
        process.BeginErrorReadLine(); // Calls that clients give up on are logged; nobody reads it, and a full pipe would stop the host.
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        var ready = ReadyLine().Match(line ?? "");
        Assert.True(ready.Success, $"The host said: {line}");
        (Port, TlsPort) = (int.Parse(ready.Groups[1].Value), int.Parse(ready.Groups[2].Value));
    }

    public async Task DisposeAsync()
    {
        if (process is not null)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        folder.Delete(recursive: true);
    }

    [GeneratedRegex(@"^ready port=(\d+) tls-port=(\d+)$")]
    private static partial Regex ReadyLine();

    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
