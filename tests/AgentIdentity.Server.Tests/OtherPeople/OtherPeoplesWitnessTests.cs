using System.Runtime.Versioning;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests;
using AgentIdentity.Tests.Wire;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests.OtherPeople;

/// <summary>
/// tlog-witness in both directions between the real server and other people's code (tests/interop/tlog, on golang.org/x/mod/sumdb): their witness cosigns our log, our witness
/// cosigns theirs, and what either refuses is refused with the code of the specification.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class OtherPeoplesWitnessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Their_witness_cosigns_our_log_and_their_library_verifies_both_signatures_before_and_after_a_restart()
    {
        var logKey = await FoundAsync();
        await using var witness = await GoWitness.StartAsync(logKey);
        await using (var server = await StartAsync(witness))
        {
            await UntilReadyAsync(server, "ready\nwitnesses quorum\n");
            await RequireCosignedAsync(server, logKey, witness);
        }
        var before = witness.Answers.Count();

        await using var restarted = await StartAsync(witness);

        // It does not know any more what was cosigned, so that it asks from 0, and is told.
        await UntilReadyAsync(restarted, "ready\nwitnesses quorum\n");
        await RequireCosignedAsync(restarted, logKey, witness);
        Assert.Contains(witness.Answers.Skip(before), answer => answer.StartsWith("409 ", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Their_witness_tells_a_registry_that_was_put_back_to_an_older_state()
    {
        var logKey = await FoundAsync();
        Folders.Copy(Data, Data + "-backup");
        await using var witness = await GoWitness.StartAsync(logKey);
        await using (var server = await StartAsync(witness))
            await UntilReadyAsync(server, "ready\nwitnesses quorum\n");
        await using (var grown = await TestRegistry.StartInAsync(Data))
        {
            var position = grown.Host.Registry.State.Position;
            await Assert.ThrowsAsync<Client.RegistryRefusedException>(() => grown.StopAgentAsync("0192f0c1-7a00-7def-8123-456789abcdef"));
            await grown.Host.Registry.Checkpoints.WhenCoversAsync(new Ledger.LeafIndex(position), CancellationToken.None).WaitAsync(Patience);
        }
        await using (var server = await StartAsync(witness))
            await UntilReadyAsync(server, "ready\nwitnesses quorum\n");

        await using var restored = await StartAsync(witness, Data + "-backup");

        await UntilReadyAsync(restored, "rolled back\n");
    }

    [SkippableTheory]
    [InlineData("elsewhere.example/log", "UNKNOWN_LOG", "404 0")]
    [InlineData("localhost:5000", "NOT_TRUSTED", "403 0")]
    public async Task Their_witness_of_another_log_or_another_key_does_not_count_and_is_named(string watched, string problem, string answer)
    {
        await FoundAsync();
        await using var witness = await GoWitness.StartAsync((await Tlog.NewKeyAsync(watched)).Public);
        await using var server = await StartAsync(witness);

        await UntilReadyAsync(server, $"ready\nwitnesses not asked yet, no checkpoint is signed: go {problem}\n");

        Assert.Contains(answer, witness.Answers);
        using var metrics = await Fetch.RespondAsync($"http://{server.Address("console")}/metrics");
        Assert.Matches("\nagentidentity_witness_well\\{[^}]*witness=\"go\"[^}]*\\} 0\n", await metrics.Content.ReadAsStringAsync());
    }

    [SkippableFact]
    public async Task Our_witness_cosigns_their_log_and_refuses_what_it_must()
    {
        var key = await Tlog.NewKeyAsync("other.example/log");
        await FoundAsync();
        await using var server = await ServerProcess.StartRegistryAsync(Data, "--witness-log", key.Public);
        var witnessKey = (await server.ReadAsync("http", "/witness/key")).TrimEnd('\n');

        var run = await Tlog.RunAsync("log", "-witness", $"{UrlOf(server)}/witness", "-witness-key", witnessKey, "-key", key.Private);

        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains("\nok of two histories that race one is cosigned", run.Output, StringComparison.Ordinal);
        Assert.EndsWith("ok 400 after 300 is cosigned\nok and shown\n", run.Output, StringComparison.Ordinal);
    }

    private async Task<string> FoundAsync()
    {
        await using var registry = await TestRegistry.StartInAsync(Data);
        await registry.FoundAsync();
        return registry.Host.Registry.Checkpoints.LogKey;
    }

    private async Task<ServerProcess> StartAsync(GoWitness witness, string? data = null)
    {
        var policy = Path.Combine(_folder, "policy");
        await File.WriteAllTextAsync(policy, witness.Policy);
        return await ServerProcess.StartRegistryAsync(data ?? Data, "--witness-policy", policy);
    }

    private static async Task RequireCosignedAsync(ServerProcess server, string logKey, GoWitness witness)
    {
        var run = await Tlog.VerifyAsync(UrlOf(server), logKey, "-witness", witness.Vkey, "-proofs", "3");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains("\nok cosigned by " + witness.Vkey, run.Output, StringComparison.Ordinal);
    }

    private static async Task UntilReadyAsync(ServerProcess server, string expected)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            using var response = await Fetch.RespondAsync(UrlOf(server) + "/health/ready");
            if (await response.Content.ReadAsStringAsync(patience.Token) == expected)
                return;
            await Task.Delay(100, patience.Token);
        }
    }

    private static string UrlOf(ServerProcess server) => $"http://{server.Address("http")}";
}
