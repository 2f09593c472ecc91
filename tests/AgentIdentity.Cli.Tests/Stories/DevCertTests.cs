using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Interop.Tests;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>https://localhost on one machine: what dev-cert makes serves a real registry process, and other people's software (tests/interop/dids, from npm) that trusts it resolves an agent there.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class DevCertTests : IDisposable
{
    private static readonly string Scripts = Path.Combine(Repository.Root, "tests/interop/dids");

    private readonly TemporaryFolder _folder = new();
    private readonly Agentid _agentid = new();

    private string Certificates => Path.Combine(_folder.Path, "certificates");

    public void Dispose()
    {
        _agentid.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_files_are_for_their_owner_alone_for_this_machine_only_and_never_overwritten()
    {
        var made = (await _agentid.RunAsync("dev-cert", Certificates, "--json")).Fine().Json;
        foreach (var file in made.EnumerateObject())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Value.GetString()!));
        using var authority = X509CertificateLoader.LoadCertificateFromFile(made.GetProperty("authority").GetString()!);
        using var server = X509Certificate2.CreateFromPemFile(made.GetProperty("certificate").GetString()!, made.GetProperty("key").GetString()!);
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(authority);

        Assert.True(chain.Build(server));
        Assert.All(["localhost", "127.0.0.1", "::1"], name => Assert.True(server.MatchesHostname(name), name));
        Assert.False(server.MatchesHostname("localhost.example"));
        Assert.Equal(3, Directory.GetFiles(Certificates).Length);
        var again = await _agentid.RunAsync("dev-cert", Certificates);
        Assert.Equal(ExitCode.Usage, again.ExitCode);
        Assert.Contains("already", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_there_keeps_its_rights()
    {
        var shared = UnixFileMode.StickyBit | UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(Certificates);
        File.SetUnixFileMode(Certificates, shared);

        var made = (await _agentid.RunAsync("dev-cert", Certificates, "--json")).Fine().Json;

        Assert.Equal(shared, File.GetUnixFileMode(Certificates));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(made.GetProperty("key").GetString()!));
    }

    [SkippableFact]
    public async Task Npm_resolves_an_agent_of_a_server_process_over_https_before_and_after_its_key_is_rotated()
    {
        Skip.IfNot(Directory.Exists(Path.Combine(Scripts, "node_modules/didwebvh-ts")), "didwebvh-ts is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/dids).");
        var made = (await _agentid.RunAsync("dev-cert", Certificates, "--json")).Fine().Json;
        await using var process = await ServeAsync(made, FreePort());
        var enrolled = await EnrolAsync();
        var (did, webvh) = (enrolled.GetProperty("did").GetString()!, enrolled.GetProperty("did_document").GetProperty("alsoKnownAs")[0].GetString()!);

        var first = await ResolveAsync(did, webvh);
        var rotated = (await _agentid.RunAsync("rotate-key", "--agent", "reader", "--json")).Fine().Json;
        var second = await ResolveAsync(did, webvh);

        Assert.Equal((1, 2), (first.GetProperty("versions").GetInt32(), second.GetProperty("versions").GetInt32()));
        Assert.Contains(rotated.GetProperty("retired_key_id").GetString()!, first.GetProperty("webvh").GetRawText(), StringComparison.Ordinal);
        foreach (var form in new[] { "web", "webvh" })
        {
            var document = second.GetProperty(form).GetProperty("document");
            Assert.Equal(form == "web" ? did : webvh, document.GetProperty("id").GetString());
            Assert.EndsWith($"#{rotated.GetProperty("key_id").GetString()}", Assert.Single(document.GetProperty("verificationMethod").EnumerateArray()).GetProperty("id").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_does_not_trust_the_certificate_is_told_of_the_option_that_names_it()
    {
        var made = (await _agentid.RunAsync("dev-cert", Certificates, "--json")).Fine().Json;
        await using var process = await ServeAsync(made, FreePort());
        (await _agentid.RunAsync("bootstrap", "--secret-file", Path.Combine(_folder.Path, "data", "bootstrap-secret"), "--operator", "operator-1")).Fine();
        _agentid.Settings = [.. _agentid.Settings.Where(word => word != "--ca" && !word.EndsWith("ca.pem", StringComparison.Ordinal))];

        var distrusted = await _agentid.RunAsync("agents", "list");

        Assert.Equal(ExitCode.Unreachable, distrusted.ExitCode);
        Assert.Contains("certificate is not trusted", distrusted.Error, StringComparison.Ordinal);
        Assert.Contains("--ca FILE", distrusted.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Nobody answered", distrusted.Error, StringComparison.Ordinal);
    }

    // The port stands in the DIDs, so it must be known before the server starts.
    private async Task<ChildProcess> ServeAsync(JsonElement made, int port)
    {
        const string anyPort = "127.0.0.1:0";
        string[] tls = ["--tls-cert", made.GetProperty("certificate").GetString()!, "--tls-key", made.GetProperty("key").GetString()!];
        var process = ChildProcess.Start(
            ProgramFile.Find(null, "AgentIdentity.Server", "--server").Start(
                ["--dev", "--data", Path.Combine(_folder.Path, "data"), "--public-url", $"https://localhost:{port}", "--http", $"127.0.0.1:{port}", "--grpc", anyPort, "--control", anyPort, "--console", anyPort, .. tls]),
            "the registry");
        var ready = ReadyLine.Parse(await process.AskAsync(null, CancellationToken.None));
        string[] urls = [ready.Grpc, ready.Control, ready.Http];
        urls = Array.ConvertAll(urls, url => url.Replace("http:", "https:", StringComparison.Ordinal));
        _agentid.Settings = ["--public-url", $"https://localhost:{port}", "--ca", made.GetProperty("authority").GetString()!, "--registry", urls[0], "--control", urls[1], "--http", urls[2]];
        return process;
    }

    private async Task<JsonElement> EnrolAsync()
    {
        (await _agentid.RunAsync("bootstrap", "--secret-file", Path.Combine(_folder.Path, "data", "bootstrap-secret"), "--operator", "operator-1")).Fine();
        var token = (await _agentid.RunAsync("token", "create", "--sponsor", "desk", "--blueprint", "reader/1", "--audience", "https://tools.example", "--allow", "tool:read:https://tools.example/*")).Fine().Output;
        return (await _agentid.RunAsync(token, ["enrol", "--name", "reader", "--json"])).Fine().Json;
    }

    private async Task<JsonElement> ResolveAsync(string did, string webvh)
    {
        var run = await Script.RunAsync("node", [Path.Combine(Scripts, "resolve.mjs"), did, webvh], ("NODE_EXTRA_CA_CERTS", Path.Combine(Certificates, "ca.pem")));
        Assert.True(run.ExitCode == 0, run.Errors);
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
