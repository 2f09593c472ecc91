using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Client.Tests;

public sealed class EvidenceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-evidence-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_token_file_that_is_being_written_is_a_file_that_cannot_be_read_now()
    {
        var file = Path.Combine(_folder, "token");
        var bring = Evidence.FromFile(file);
        var asked = new EvidenceRequest("https://registry.example", "challenge", default, default);
        File.WriteAllText(file, "\n");
        await Assert.ThrowsAsync<IOException>(() => bring(asked, default));
        File.WriteAllText(file, "the.token\n");
        Assert.Equal("the.token", await bring(asked, default));
    }

    // A CredentialKeeper goes on behind what a disk does.
    [Fact]
    public async Task An_SVID_whose_files_are_being_replaced_is_a_file_that_cannot_be_read_now()
    {
        var (certificates, key) = (Path.Combine(_folder, "svid.pem"), Path.Combine(_folder, "svid.key"));
        using var old = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var renewed = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var svid = SelfSigned.Create(renewed);
        var bring = Evidence.FromSvid(certificates, key);
        var asked = new EvidenceRequest("https://registry.example", "challenge", default, default);

        File.WriteAllText(key, old.ExportPkcs8PrivateKeyPem());
        await Assert.ThrowsAsync<FileNotFoundException>(() => bring(asked, default));
        File.WriteAllText(certificates, "");
        await Assert.ThrowsAsync<IOException>(() => bring(asked, default));
        File.WriteAllText(certificates, svid.ExportCertificatePem());
        await Assert.ThrowsAsync<IOException>(() => bring(asked, default));
        File.WriteAllText(key, renewed.ExportPkcs8PrivateKeyPem());

        Assert.NotEmpty(await bring(asked, default));
    }
}
