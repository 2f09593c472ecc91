using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using GrpcStatus = Grpc.Core.StatusCode;
using OwnKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Server.Tests.Hosting;

public sealed class TlsTests : IDisposable
{
    private const string ListCallers = "/agentidentity.v1.Admin/ListCallers";

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    private string CertificatePath => Path.Combine(_folder, "server.pem");

    private string KeyPath => Path.Combine(_folder, "server.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Over_TLS_a_client_certificate_of_a_registered_key_serves_instead_of_a_proof()
    {
        SelfSigned.Write(CertificatePath, KeyPath);
        await using var registry = await TestRegistry.StartAsync($"--tls-cert={CertificatePath}", $"--tls-key={KeyPath}");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await RegisterAuditorAsync(registry, key);

        Assert.Equal("", (await CallAsync(registry, key, "/agentidentity.v1.Registry/ListAgents", registry.GrpcUrl)).Reason);
        Assert.Equal("NOT_PERMITTED", (await CallAsync(registry, key, ListCallers, registry.ControlUrl)).Reason);
        using var unknown = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal("CALLER_UNKNOWN", (await CallAsync(registry, unknown, ListCallers, registry.ControlUrl)).Reason);
        Assert.Equal("PROOF_MISSING", (await CallAsync(registry, null, ListCallers, registry.ControlUrl)).Reason);
    }

    [Fact]
    public async Task A_client_certificate_of_a_stopped_key_serves_no_more()
    {
        SelfSigned.Write(CertificatePath, KeyPath);
        await using var registry = await TestRegistry.StartAsync($"--tls-cert={CertificatePath}", $"--tls-key={KeyPath}");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var registered = await RegisterAuditorAsync(registry, key);
        Assert.Equal("", (await CallAsync(registry, key, "/agentidentity.v1.Registry/ListAgents", registry.GrpcUrl)).Reason);
        await registry.AsOperator.Control.StopAsync(new StopRequest { Scope = new Scope { Key = registered.KeyId.ToString() }, State = AgentState.Frozen, Reason = "it was stolen" });
        Assert.Equal("KEY_STOPPED", (await CallAsync(registry, key, "/agentidentity.v1.Registry/ListAgents", registry.GrpcUrl)).Reason);
    }

    [Fact]
    public async Task A_proxy_that_ends_TLS_before_a_registry_without_it_is_answered()
    {
        await using var registry = await TestRegistry.StartAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = SelfSigned.Create(key);
        foreach (var listener in new[] { registry.GrpcUrl, registry.ControlUrl })
        {
            using var end = new TlsEnd(certificate, listener);
            using var caller = new RawCaller(end.Url, registry.PublicUrl, tls: new WireTls().Options());
            Assert.Equal(GrpcStatus.OK, (await caller.SendAsync("/grpc.health.v1.Health/Check", [])).Status);
        }
    }

    [Fact]
    public void A_certificate_whose_files_were_replaced_is_read_again_and_a_broken_one_changes_nothing()
    {
        var clock = new StoppedClock();
        var first = SelfSigned.Write(CertificatePath, KeyPath);
        var certificates = new Certificates(CertificatePath, KeyPath, clock, _ => { }, _ => { });
        var second = SelfSigned.Write(CertificatePath, KeyPath);
        File.SetLastWriteTimeUtc(KeyPath, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(2));
        Assert.Equal(first, certificates.Current.TargetCertificate.Thumbprint);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(second, certificates.Current.TargetCertificate.Thumbprint);

        // The new certificate is there, its key is not yet.
        var key = File.ReadAllText(KeyPath);
        SelfSigned.Write(CertificatePath, KeyPath);
        File.WriteAllText(KeyPath, key);
        File.SetLastWriteTimeUtc(CertificatePath, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(3));
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(second, certificates.Current.TargetCertificate.Thumbprint);
        Assert.Throws<OptionsRefusedException>(() => new Certificates(CertificatePath, KeyPath, clock, _ => { }, _ => { }));

        File.WriteAllText(CertificatePath, "half a file");
        File.SetLastWriteTimeUtc(CertificatePath, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(4));
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(second, certificates.Current.TargetCertificate.Thumbprint);
        Assert.Throws<OptionsRefusedException>(() => new Certificates(CertificatePath, KeyPath, clock, _ => { }, _ => { }));
    }

    [Fact]
    public void A_certificate_that_is_over_is_told_once_while_it_serves_and_at_a_start()
    {
        var (clock, alarms) = (new AdvancedClock(), new List<string>());
        SelfSigned.Write(CertificatePath, KeyPath);
        var certificates = new Certificates(CertificatePath, KeyPath, clock, _ => { }, alarms.Add);
        clock.Ahead = TimeSpan.FromMinutes(30);
        _ = certificates.Current;
        Assert.Empty(alarms);

        foreach (var hours in new[] { 2, 3 })
        {
            clock.Ahead = TimeSpan.FromHours(hours);
            _ = certificates.Current;
        }
        Assert.Contains(CertificatePath, Assert.Single(alarms), StringComparison.Ordinal);
        _ = new Certificates(CertificatePath, KeyPath, clock, _ => { }, alarms.Add);
        Assert.Equal(2, alarms.Count);
    }

    // As Kubernetes shows a secret: the files are links through a link to a folder, and only that link is replaced.
    [Fact]
    public void A_certificate_that_is_replaced_behind_links_is_read_again()
    {
        var (clock, secret) = (new StoppedClock(), Path.Combine(_folder, "secret"));
        string Write(string version)
        {
            Directory.CreateDirectory(Path.Combine(secret, version));
            return SelfSigned.Write(Path.Combine(secret, version, "tls.crt"), Path.Combine(secret, version, "tls.key"));
        }
        Write("..1");
        Directory.CreateSymbolicLink(Path.Combine(secret, "..data"), "..1");
        foreach (var file in new[] { "tls.crt", "tls.key" })
            File.CreateSymbolicLink(Path.Combine(secret, file), Path.Combine("..data", file));
        var certificates = new Certificates(Path.Combine(secret, "tls.crt"), Path.Combine(secret, "tls.key"), clock, _ => { }, _ => { });
        var second = Write("..2");
        File.SetLastWriteTimeUtc(Path.Combine(secret, "..2", "tls.crt"), TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(2));
        Directory.Delete(Path.Combine(secret, "..data"));
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.NotEqual(second, certificates.Current.TargetCertificate.Thumbprint);

        Directory.CreateSymbolicLink(Path.Combine(secret, "..data"), "..2");
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(second, certificates.Current.TargetCertificate.Thumbprint);
    }

    private static async Task<OwnKey> RegisterAuditorAsync(TestRegistry registry, ECDsa key)
    {
        Assert.True(OwnKey.TryReadSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out var registered));
        await registry.AsOperator.Admin.RegisterCallerAsync(new RegisterCallerRequest { Role = Role.Auditor, Name = "auditor", Key = new() { Jwk = registered.ToJwk() } });
        return registered;
    }

    private static async Task<RawAnswer> CallAsync(TestRegistry registry, ECDsa? key, string method, string url)
    {
        using var certificate = key is null ? null : SelfSigned.Create(key);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(registry.Host.Bound.TlsCertificate!);
        var tls = new SslClientAuthenticationOptions { CertificateChainPolicy = policy, ClientCertificates = certificate is null ? [] : [certificate] };
        using var caller = new RawCaller(url, registry.PublicUrl, tls: tls);
        return await caller.SendAsync(method, []);
    }
}
