using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Storage.Tests;
using AgentIdentity.Watch.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.EndToEnd;

/// <summary>The real server on a disk that is really full. A stop is RECORDED in the control journal, and enforcers hear of it; whatever ends the server before the ledger has it.</summary>
public sealed class FullDiskStoryTests : IAsyncLifetime
{
    private SmallDisk? _disk;

    public async Task InitializeAsync() => _disk = await SmallDisk.TryMountAsync(Directory.CreateTempSubdirectory("agentidentity-disk-").FullName);

    public Task DisposeAsync()
    {
        _disk?.Dispose();
        return Task.CompletedTask;
    }

    [SkippableFact]
    public async Task A_stop_on_a_full_disk_is_recorded_and_refused_and_is_in_the_ledger_after_kill_9_and_a_start_with_room()
    {
        Skip.If(_disk is null, "only root may mount a file system");
        await using var registry = await WatchedRegistry.StartAsync(Path.Combine(_disk.Path, "data"));
        var (agent, other) = (await registry.EnrolAsync(), await registry.EnrolAsync());
        await using var tool = await WatchingTool.StartAsync(registry);
        var filler = _disk.Fill();
        await FillUpAsync(registry);

        var stop = await registry.StopAsync(agent);
        Assert.Equal((StopLevel.Recorded, true), (stop.Level, stop.IndexPending));
        await tool.WhenAnswersAsync(Refusal.AgentFrozen, agent);
        Assert.Equal(Refusal.None, tool.Answer(other));
        Assert.Single((await registry.WhoIsAsync(agent)).Agents);

        // Durable in the journal, and not yet in the ledger.
        await registry.KillAsync();
        await registry.StartAgainAsync();
        Assert.Equal((stop.LedgerIndex, stop.Epoch), InForce(await registry.ReportAsync(stop.LedgerIndex)));
        await Assert.ThrowsAsync<RegistryRefusedException>(registry.EnrolAsync);

        await registry.KillAsync();
        File.Delete(filler);
        await registry.StartAgainAsync();
        var report = await registry.WhenSignedAsync(stop.LedgerIndex);
        Assert.Equal((stop.LedgerIndex, stop.Epoch, StopLevel.Enforced), (report.Stop.LedgerIndex, report.Stop.Epoch, report.Level));
        Assert.Single(report.Enforcers);
        await registry.EnrolAsync();
        Assert.Equal(Refusal.AgentFrozen, tool.Answer(agent));
    }

    private static (ulong Index, ulong Epoch) InForce(StopPropagation report) => (report.Stop.LedgerIndex, report.Stop.Epoch);

    // What the database has set aside for itself takes some more entries.
    private static async Task FillUpAsync(WatchedRegistry registry)
    {
        while (true)
        {
            try
            {
                await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => registry.CreateTokenAsync()));
            }
            catch (RegistryRefusedException full) when (full.Refusal == Refusal.StorageFull)
            {
                return;
            }
        }
    }
}
