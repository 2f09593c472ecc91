using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using OwnKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Server.Tests.Gateways;

/// <summary>A registry with TLS, and the client certificate of a gateway that is registered there for one audience.</summary>
internal sealed class GatewayWorld : IAsyncDisposable
{
    private readonly string _folder;
    private bool _isOver;

    private GatewayWorld(TestRegistry registry, string folder) => (Registry, _folder) = (registry, folder);

    public TestRegistry Registry { get; }

    public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public OwnKey PublicKey => OwnOf(Key);

    public static async Task<GatewayWorld> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        var (certificate, key) = (Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
        SelfSigned.Write(certificate, key);
        var world = new GatewayWorld(await TestRegistry.StartAsync($"--tls-cert={certificate}", $"--tls-key={key}"), folder);
        await world.RegisterAsync(world.Key, "gateway", TestRegistry.Documents);
        return world;
    }

    public Task RegisterAsync(ECDsa key, string name, params string[] audiences) => RegisterAsync(key, Role.Enforcer, name, audiences);

    public async Task RegisterAsync(ECDsa key, Role role, string name, params string[] audiences) =>
        await Registry.AsOperator.Admin.RegisterCallerAsync(new RegisterCallerRequest { Role = role, Name = name, Key = new() { Jwk = OwnOf(key).ToJwk() }, Audiences = { audiences } });

    /// <summary>An agent that may read notes, over HTTP.</summary>
    public Task<TestAgent> EnrolAsync(string origin) =>
        Registry.EnrolAsync(envelope: $$"""[{"type":"http","actions":["GET"],"locations":["{{origin}}/notes/*"]},{"type":"documents","actions":["read"],"locations":["https://tools.example/documents/*"]}]""");

    /// <summary>Shows a client certificate of the key, or none.</summary>
    public static SslClientAuthenticationOptions Tls(ECDsa? key) => new WireTls(key is null ? null : SelfSigned.Create(key)).Options();

    /// <summary>The gateway's certificate and key, and the registry's certificate, for other people's programs.</summary>
    public (string Certificate, string Key, string Trusted) WriteFiles(string folder)
    {
        var (certificate, key) = (Path.Combine(folder, "gateway.pem"), Path.Combine(folder, "gateway.key"));
        using (var made = SelfSigned.Create(Key))
            File.WriteAllText(certificate, made.ExportCertificatePem());
        File.WriteAllText(key, Key.ExportPkcs8PrivateKeyPem());
        return (certificate, key, Registry.Host.Bound.TlsCertificate!);
    }

    /// <summary>Also by a test whose gateway shall find no registry.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isOver)
            return;
        _isOver = true;
        await Registry.DisposeAsync();
        Key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static OwnKey OwnOf(ECDsa key)
    {
        Assert.True(OwnKey.TryReadSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out var own));
        return own;
    }
}
