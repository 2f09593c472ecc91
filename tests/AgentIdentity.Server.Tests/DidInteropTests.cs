using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using Repository = AgentIdentity.Interop.Tests.Repository;

namespace AgentIdentity.Server.Tests;

/// <summary>Other people's software (tests/interop/dids, from npm) resolves an agent over https://localhost under both its names, and refuses logs that were tampered with.</summary>
public sealed class DidInteropTests : IDisposable
{
    // didwebvh-ts 2.8.0 computes the first version id and does not compare it with the one in the line; ours refuses (EntryHash).
    private const string TheirGap = "[\"another entry hash in line 1\"]";

    private static readonly string Scripts = Path.Combine(Repository.Root, "tests/interop/dids");

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    private string CertificatePath => Path.Combine(_folder, "server.pem");

    private string KeyPath => Path.Combine(_folder, "server.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Npm_resolves_an_agent_before_and_after_its_revocation_and_refuses_every_tampered_log()
    {
        Skip.IfNot(Directory.Exists(Path.Combine(Scripts, "node_modules/didwebvh-ts")), "didwebvh-ts is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/dids).");
        SelfSigned.Write(CertificatePath, KeyPath);
        // The port stands in the DIDs, so it must be known before the server starts.
        var port = FreePort();
        await using var registry = await TestRegistry.StartAsync($"--public-url=https://localhost:{port}", $"--http=127.0.0.1:{port}", $"--tls-cert={CertificatePath}", $"--tls-key={KeyPath}");
        var agent = await registry.EnrolAsync();
        var webvh = registry.Host.Registry.Dids.NameOf(registry.Host.Registry.State.FindAgent(agent.Key.PublicKey.KeyId)!.Id)!;

        var (web, log) = await ResolveAsync(agent.Did, webvh);
        Assert.Equal((agent.Did, webvh), (web.GetProperty("id").GetString(), web.GetProperty("alsoKnownAs")[0].GetString()));
        Assert.Equal((JsonValueKind.Null, 1), (log.Result.GetProperty("error").ValueKind, log.Versions));
        Assert.Equal((webvh, agent.Did), (log.Document.GetProperty("id").GetString(), log.Document.GetProperty("alsoKnownAs")[0].GetString()));
        Assert.Equal(agent.Key.PublicKey.ToJwk(), log.Document.GetProperty("verificationMethod")[0].GetProperty("publicKeyJwk").GetRawText());
        Assert.Equal((TheirGap, 20), (log.Accepted, log.Refused));

        await registry.StopAgentAsync(agent.Did, AgentState.Revoked);
        var id = registry.Host.Registry.State.FindAgent(agent.Key.PublicKey.KeyId)!.Id;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!registry.Host.Registry.State.FindAgent(id)!.IsDidEnded)
            await Task.Delay(20, patience.Token);
        (web, log) = await ResolveAsync(agent.Did, webvh);
        Assert.Equal(0, web.GetProperty("verificationMethod").GetArrayLength());
        Assert.True(log.Result.GetProperty("deactivated").GetBoolean());
        Assert.Equal(("[]", 42, 2), (log.Accepted, log.Refused, log.Versions));
    }

    private async Task<(JsonElement Web, Outcome Log)> ResolveAsync(string web, string webvh)
    {
        var run = await Script.RunAsync("node", [Path.Combine(Scripts, "resolve.mjs"), web, webvh], ("NODE_EXTRA_CA_CERTS", CertificatePath));
        Assert.True(run.ExitCode == 0, run.Errors);
        var said = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(JsonValueKind.Null, said.GetProperty("web").GetProperty("error").ValueKind);
        return (said.GetProperty("web").GetProperty("document"), new Outcome(said));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed record Outcome(JsonElement Said)
    {
        public JsonElement Result => Said.GetProperty("webvh");

        public JsonElement Document => Result.GetProperty("document");

        public int Versions => Said.GetProperty("versions").GetInt32();

        public int Refused => Said.GetProperty("refused").GetInt32();

        public string Accepted => Said.GetProperty("accepted").GetRawText();
    }
}
