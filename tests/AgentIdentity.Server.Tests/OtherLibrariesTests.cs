using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Xunit.Abstractions;
using Repository = AgentIdentity.Interop.Tests.Repository;

namespace AgentIdentity.Server.Tests;

/// <summary>
/// What a running registry issues is checked by libraries that we did not write (tests/interop/credentials): credentials by jose and @digitalbazaar/vc, status lists by @sd-jwt/jwt-status-list and
/// @digitalbazaar/vc-bitstring-status-list. And what @digitalbazaar/vc signs is checked by ours.
/// </summary>
public sealed class OtherLibrariesTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests/interop/credentials");

    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [SkippableFact]
    public async Task Jose_verifies_a_credential_and_refuses_every_tampered_copy()
    {
        var agent = await _registry.EnrolAsync();
        var outcomes = (await RunAsync("tamper", agent)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(outcomes.Distinct().Count() >= 60, $"Only {outcomes.Length} variants were tried.");
        Assert.All(outcomes, outcome => Assert.StartsWith("refused ", outcome, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Digital_Bazaars_vc_verifies_an_embedded_proof_and_refuses_every_tampered_copy()
    {
        var agent = await _registry.EnrolAsync();
        using var connection = agent.Connect();
        var issued = await connection.Credentials.IssueAsync(new IssueRequest { EmbeddedProof = true });
        var file = Path.Combine(_registry.Folder, "credential.json");
        await File.WriteAllTextAsync(file, issued.Credential.Document);
        var outcomes = (await RunAsync("documents.mjs", "tamper", _registry.HttpUrl, _registry.PublicUrl, file)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        output.WriteLine($"{outcomes.Length} variants");
        Assert.True(outcomes.Distinct().Count() >= 60, $"Only {outcomes.Length} variants were tried.");
        Assert.All(outcomes, outcome => Assert.StartsWith("refused ", outcome, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Our_verifier_takes_a_proof_of_Digital_Bazaars_vc_and_refuses_it_when_a_letter_was_changed()
    {
        var signed = JsonNode.Parse(await RunAsync("documents.mjs", "sign"))!;
        Assert.Equal(IntegrityRefusal.None, Check(signed));
        signed["credentialSubject"]!["name"] = "Somebody else";
        Assert.Equal(IntegrityRefusal.Signature, Check(signed));
    }

    [SkippableFact]
    public async Task Digital_Bazaars_vc_and_the_faces_for_test_suites_verify_what_the_other_one_signs() => Assert.Equal("", await RunAsync("documents.mjs", "faces", _registry.HttpUrl));

    [SkippableFact]
    public async Task A_stop_is_seen_in_both_status_lists_within_their_cadence_and_an_agent_that_is_not_stopped_never_is()
    {
        var (agent, other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        await RunAsync("status", agent, "0");
        await _registry.StopAgentAsync(agent.Did);
        var seconds = double.Parse(await RunAsync("status", agent, "1"), CultureInfo.InvariantCulture);
        output.WriteLine($"seen after {seconds} s");
        Assert.InRange(seconds, 0, 17);
        await RunAsync("status", other, "0");
    }

    private static IntegrityRefusal Check(JsonNode document)
    {
        var element = JsonSerializer.SerializeToElement(document);
        Assert.True(Multikey.TryParseDid(document["issuer"]!.GetValue<string>(), out var key));
        return IntegrityProof.Check(element, element.GetProperty("proof"), key, IntegrityProof.AssertionMethod, TimeProvider.System.GetUtcNow());
    }

    private Task<string> RunAsync(string command, TestAgent agent, params string[] more) =>
        RunAsync("credentials.mjs", [command, _registry.HttpUrl, _registry.PublicUrl, TestRegistry.Documents, agent.Credential, .. more]);

    private static async Task<string> RunAsync(string script, params string[] arguments)
    {
        Skip.If(!Directory.Exists(Path.Combine(Folder, "node_modules/jose")), "jose is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/credentials).");
        var run = await Script.RunAsync("node", [Path.Combine(Folder, script), .. arguments]);
        Assert.True((run.ExitCode, run.Errors) == (0, ""), run.Errors);
        return run.Output;
    }
}
