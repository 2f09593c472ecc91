using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Repository = AgentIdentity.Interop.Tests.Repository;

namespace AgentIdentity.Server.Tests;

/// <summary>Other people's software (tests/interop/dids, from npm) resolves an agent and the registry over https://localhost under both their names, and refuses logs that were tampered with; and what it writes is resolved by ours.</summary>
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
        SkipWithoutNpm();
        await using var registry = await StartAsync();
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

    [SkippableFact]
    public async Task The_registrys_own_names_resolve_before_and_after_its_key_is_rotated()
    {
        SkipWithoutNpm();
        await using var registry = await StartAsync();
        var (name, id) = (registry.Host.Registry.Settings.Name.Did, registry.Host.Registry.State.Founding!.RegistryId);
        var webvh = registry.Host.Registry.Dids.NameOf(id)!;
        await AssertKeysAsync(1);
        await registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (registry.Host.Registry.Dids.Resolve(id)!.Versions.Count < 2)
            await Task.Delay(20, patience.Token);
        await AssertKeysAsync(2);

        async Task AssertKeysAsync(int keys)
        {
            var (web, log) = await ResolveAsync(name, webvh);
            Assert.Equal((name, webvh), (web.GetProperty("id").GetString(), log.Document.GetProperty("id").GetString()));
            Assert.Equal((keys, keys, keys), (web.GetProperty("assertionMethod").GetArrayLength(), log.Document.GetProperty("assertionMethod").GetArrayLength(), log.Versions));
            Assert.Equal(keys == 1 ? TheirGap : "[]", log.Accepted);
        }
    }

    [SkippableFact]
    public async Task An_agents_DID_that_has_moved_is_found_where_it_was_under_the_name_that_it_has_now()
    {
        SkipWithoutNpm();
        await using var registry = await StartAsync();
        using PrivateKey held = PrivateKey.Generate(KeyAlgorithm.Ed25519), after = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var agent = await registry.EnrolAsync(nextDidKeyHash: Multikey.NextKeyHash(Multikey.Of(held.PublicKey)));
        var before = registry.Host.Registry.Dids.NameOf(registry.Host.Registry.State.FindAgent(agent.Key.PublicKey.KeyId)!.Id)!;
        var asked = await registry.AsOperator.Admin.GetDidChangeAsync(new GetDidChangeRequest { Agent = agent.Did, Place = "agents.example:reader" });
        Assert.True(DidChange.TryParse(Encoding.UTF8.GetBytes(asked.ChangeFile), out var change));
        var signed = change.Sign(held, Multikey.NextKeyHash(Multikey.Of(after.PublicKey)), "agents.example:reader", TimeProvider.System.GetUtcNow(), out _)!;
        await registry.AsOperator.Admin.SubmitDidVersionAsync(new SubmitDidVersionRequest { Agent = before, Line = signed.Line });

        var now = $"did:webvh:{before.Split(':')[2]}:agents.example:reader";
        var (web, log) = await ResolveAsync(agent.Did, before);
        Assert.Equal((now, agent.Did), (web.GetProperty("alsoKnownAs")[0].GetString(), web.GetProperty("id").GetString()));
        Assert.Equal((JsonValueKind.Null, 2, now), (log.Result.GetProperty("error").ValueKind, log.Versions, log.Document.GetProperty("id").GetString()));
        Assert.Equal("[]", log.Accepted);
        using var http = new HttpClient(TrustedCertificates.HandlerFor(CertificatePath));
        var resolved = JsonDocument.Parse(await http.GetStringAsync(new Uri($"{registry.PublicUrl}/1.0/identifiers/{before}"))).RootElement;
        Assert.Equal((now, now), (resolved.GetProperty("didDocumentMetadata").GetProperty("canonicalId").GetString(), resolved.GetProperty("didDocument").GetProperty("id").GetString()));
        // What the registry says of the agent it says under its old names, and under the new one its new host does.
        Assert.Equal(agent.Did, (await registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = before })).Agent.Did);
        using var elsewhere = await http.GetAsync(new Uri($"{registry.PublicUrl}/1.0/identifiers/{now}"));
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
    }

    [SkippableFact]
    public async Task What_npm_writes_resolves_here_to_the_same_document_with_its_keys_moves_ends_and_witnesses()
    {
        SkipWithoutNpm();
        var run = await Script.RunAsync("node", [Path.Combine(Scripts, "write.mjs")]);
        Assert.True(run.ExitCode == 0, run.Errors);
        var written = JsonDocument.Parse(run.Output).RootElement.EnumerateArray().ToArray();
        Assert.Equal((7, 2), (written.Length, written.Count(IsWitnessed)));
        Assert.All(written, AssertResolves);
        Assert.All(written, one => Assert.Equal((Name(one), true), (Name(one), Resolve(one, Text(one, "log").Replace(".example", ".invalid", StringComparison.Ordinal), Text(one, "proofs")) is WebvhRefusal.ScidMismatch)));
        Assert.All(written.Where(IsWitnessed), one =>
        {
            Assert.Equal(WebvhRefusal.WitnessProofsMissing, Resolve(one, Text(one, "log"), ""));
            var proofs = JsonNode.Parse(Text(one, "proofs"))!;
            proofs[0]!["proof"]!.AsArray().RemoveAt(1);
            Assert.Equal(WebvhRefusal.WitnessThreshold, Resolve(one, Text(one, "log"), proofs.ToJsonString()));
        });
    }

    private static void AssertResolves(JsonElement one)
    {
        var resolved = WebvhResolver.Resolve(Encoding.UTF8.GetBytes(Text(one, "log")), Encoding.UTF8.GetBytes(Text(one, "proofs")), Text(one, "did"), TimeProvider.System.GetUtcNow());
        Assert.Equal((Name(one), WebvhRefusal.None), (Name(one), resolved.Refusal));
        var latest = resolved.History!.Latest;
        Assert.Equal((Text(one, "did"), one.GetProperty("deactivated").GetBoolean()), (latest.Did, resolved.History.IsDeactivated));
        using var document = JsonDocument.Parse(latest.Document);
        Assert.True(resolved.History.IsDeactivated || JsonElement.DeepEquals(one.GetProperty("document"), document.RootElement), Name(one));
        Assert.Equal(IsWitnessed(one) ? 3 : 0, latest.Parameters.Witnesses?.Dids.Count ?? 0);
    }

    private static WebvhRefusal Resolve(JsonElement one, string log, string proofs) =>
        WebvhResolver.Resolve(Encoding.UTF8.GetBytes(log), Encoding.UTF8.GetBytes(proofs), Text(one, "did"), TimeProvider.System.GetUtcNow()).Refusal;

    private static bool IsWitnessed(JsonElement one) => one.GetProperty("proofs").ValueKind == JsonValueKind.String;

    private static string Name(JsonElement one) => Text(one, "name");

    private static string Text(JsonElement one, string name) => one.GetProperty(name).GetString() ?? "";

    private static void SkipWithoutNpm() =>
        Skip.IfNot(Directory.Exists(Path.Combine(Scripts, "node_modules/didwebvh-ts")), "didwebvh-ts is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/dids).");

    // Over https, under the port that stands in the DIDs: it must be known before the server starts.
    private async Task<TestRegistry> StartAsync()
    {
        SelfSigned.Write(CertificatePath, KeyPath);
        var port = FreePort.Find();
        return await TestRegistry.StartAsync($"--public-url=https://localhost:{port}", $"--http=127.0.0.1:{port}", $"--tls-cert={CertificatePath}", $"--tls-key={KeyPath}");
    }

    private async Task<(JsonElement Web, Outcome Log)> ResolveAsync(string web, string webvh)
    {
        var run = await Script.RunAsync("node", [Path.Combine(Scripts, "resolve.mjs"), web, webvh], ("NODE_EXTRA_CA_CERTS", CertificatePath));
        Assert.True(run.ExitCode == 0, run.Errors);
        var said = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(JsonValueKind.Null, said.GetProperty("web").GetProperty("error").ValueKind);
        return (said.GetProperty("web").GetProperty("document"), new Outcome(said));
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
