using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Server.Tests.Kills;
using AgentIdentity.Server.Tests.OtherPeople;
using AgentIdentity.Tests.Wire;
using Xunit.Abstractions;

namespace AgentIdentity.Server.Tests;

/// <summary>
/// A whole log, served by the real server, is checked by other people's code (tests/interop/tlog, on golang.org/x/mod/sumdb): all leaves, tiles and the root, inclusion
/// proofs, and consistency with what was seen before a restart, and before a kill -9 under load. What was changed on the disk is not served.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class IndependentVerifierTests(ITestOutputHelper output) : IDisposable
{
    // So many wait for the writer at once: less than its queue takes.
    private const int Waiting = 4096;

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    /// <summary>AGENTIDENTITY_TEST_LOG_ENTRIES asks for another size.</summary>
    private static int Entries => int.Parse(Environment.GetEnvironmentVariable("AGENTIDENTITY_TEST_LOG_ENTRIES") ?? "300000", CultureInfo.InvariantCulture);

    private string Data => Path.Combine(_folder, "data");

    private string Seen => Path.Combine(_folder, "seen");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task A_log_verifies_as_a_whole_before_and_after_a_restart_and_a_kill_under_load_and_not_when_a_byte_was_changed()
    {
        WireAgent agent;
        string vkey;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await using (var registry = await TestRegistry.StartInAsync(Data))
        {
            await registry.FoundAsync();
            var enrolled = await registry.EnrolAsync();
            agent = new WireAgent(enrolled.Key, enrolled.Enrolled.AgentId, new());
            await FillAsync(registry.Host.Registry, Entries);
            vkey = registry.Host.Registry.Checkpoints.LogKey;
            Say($"{Entries} entries were written in {watch.Elapsed}");
            await VerifyAsync(registry.HttpUrl, vkey, ["-save", Seen]);
        }
        await using (var restarted = await ServerProcess.StartRegistryAsync(Data))
        {
            await VerifyAsync(UrlOf(restarted), vkey, ["-old", Seen, "-save", Seen]);
            await KillUnderLoadAsync(restarted, agent);
        }
        byte[] tile, bundle;
        await using (var recovered = await ServerProcess.StartRegistryAsync(Data))
        {
            await VerifyAsync(UrlOf(recovered), vkey, ["-old", Seen]);
            using var http = new HttpClient();
            (tile, bundle) = (await http.GetByteArrayAsync($"{UrlOf(recovered)}/tile/0/001"), await http.GetByteArrayAsync($"{UrlOf(recovered)}/tile/entries/002"));
            Assert.Equal(0, await recovered.StopAsync());
        }
        ChangeOneByte(tile.AsSpan(0, 64));
        ChangeOneByte(bundle.AsSpan(2, 64));
        await using var changed = await ServerProcess.StartRegistryAsync(Data);
        await AssertNotServedAsync(UrlOf(changed), "tile/0/001", "tile/entries/001", "tile/entries/002");
        Assert.Equal(1, (await Tlog.VerifyAsync(UrlOf(changed), vkey)).ExitCode);
    }

    private static async Task FillAsync(RegistryNode registry, int entries)
    {
        var caller = registry.State.Callers.First().Id;
        for (var written = 0; written < entries; written += Waiting)
        {
            var asked = Enumerable.Range(written, Math.Min(Waiting, entries - written)).Select(n => registry.Reads.RecordAsync(new Look(caller, new PrivateDataRead("/test/Fill", $"{n}", 1), null)));
            foreach (var answer in await Task.WhenAll(asked))
                Assert.False(answer.IsRefused, answer.Detail);
        }
        await registry.Checkpoints.WhenCoversAsync(new LeafIndex((ulong)entries), CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1));
    }

    // The load goes on until the process is gone, and a checkpoint has been published meanwhile.
    private async Task KillUnderLoadAsync(ServerProcess server, WireAgent agent)
    {
        using var wire = new RegistryWire(server.Address("grpc"), server.Address("control"));
        var load = new Recorder(agent, new Acknowledged(), new Random(1)).RunAsync(wire);
        var before = await CheckpointAsync(server);
        while (await CheckpointAsync(server) == before)
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        await File.WriteAllTextAsync(Seen, await CheckpointAsync(server));
        await server.KillAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => load);
    }

    private static async Task<string> CheckpointAsync(ServerProcess server)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync($"{UrlOf(server)}/checkpoint");
    }

    private static async Task AssertNotServedAsync(string url, params string[] paths)
    {
        using var http = new HttpClient();
        foreach (var path in paths)
        {
            using var response = await http.GetAsync($"{url}/{path}");
            Assert.Equal((path, HttpStatusCode.InternalServerError), (path, response.StatusCode));
            Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        }
    }

    private async Task VerifyAsync(string url, string vkey, string[] arguments)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var run = await Tlog.VerifyAsync(url, vkey, arguments);
        Say($"{run.Output}{run.Errors}verified in {watch.Elapsed}");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
    }

    // The store was closed well, so all of it is in the one file; pages that are free now may hold the same from before.
    private void ChangeOneByte(ReadOnlySpan<byte> found)
    {
        var path = Path.Combine(Data, "ledger.db");
        var file = File.ReadAllBytes(path);
        var places = 0;
        for (int place; (place = file.AsSpan().IndexOf(found)) >= 0; places++)
            file[place + 40] ^= 1;
        Assert.True(places > 0, "The bytes that were served do not lie in the file.");
        File.WriteAllBytes(path, file);
    }

    private static string UrlOf(ServerProcess server) => $"http://{server.Address("http")}";

    private void Say(string text) => output.WriteLine(text);
}
