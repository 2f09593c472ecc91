using System.Net;
using AgentIdentity.Ledger;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Server.Tests.Kills;
using AgentIdentity.Tests.Wire;
using Xunit.Abstractions;

namespace AgentIdentity.Server.Tests;

/// <summary>The real server as a witness, killed again and again while two histories of a log race for its cosignatures.</summary>
public sealed class WitnessKillTests(ITestOutputHelper output) : IDisposable
{
    private const int Rounds = 6;
    private const int AskersOfEach = 3;
    private const int WindowMsMax = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
    private readonly ForkedLog[] _logs = [.. Enumerable.Range(0, Rounds).Select(number => new ForkedLog($"log{number}.example"))];

    public void Dispose()
    {
        foreach (var log in _logs)
            log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Killed_while_two_histories_race_it_has_cosigned_one_of_them_and_goes_on_from_the_largest()
    {
        var seed = Environment.ProcessId;
        output.WriteLine($"seed {seed}");
        var chance = new Random(seed);
        await using (var registry = await TestRegistry.StartInAsync(_folder))
            await registry.FoundAsync();
        for (var round = 0; round < Rounds; round++)
        {
            await using var server = await StartAsync();
            using var witness = await ConnectAsync(server);
            foreach (var before in _logs[..round])
                await RequireOneHistoryAsync(witness, before);
            await RaceUntilKilledAsync(server, witness, _logs[round], chance);
        }
        await using var last = await StartAsync();
        using var asked = await ConnectAsync(last);
        foreach (var log in _logs)
            await RequireOneHistoryAsync(asked, log);
        output.WriteLine($"cosigned: {string.Join(", ", _logs.Select(log => log.Cosigned.Count))}");
    }

    private Task<ServerProcess> StartAsync() => ServerProcess.StartRegistryAsync(_folder, [.. _logs.SelectMany(log => new[] { "--witness-log", log.Verifier.ToString() })]);

    private static async Task<AskedProcess> ConnectAsync(ServerProcess server)
    {
        var url = $"http://{server.Address("http")}";
        using var http = new HttpClient();
        Assert.True(NoteVerifierKey.TryParse((await http.GetStringAsync($"{url}/witness/key")).TrimEnd('\n'), out var key, out _));
        return new AskedProcess(url, key);
    }

    private static async Task RaceUntilKilledAsync(ServerProcess server, AskedProcess witness, ForkedLog log, Random chance)
    {
        var racing = Enumerable.Range(0, 2 * AskersOfEach).Select(number => UntilKilledAsync(witness.RaceAsync(log, number % 2, new Random(chance.Next())))).ToArray();
        // Before the histories part, there is nothing that must not be cosigned.
        using var patience = new CancellationTokenSource(Patience);
        while (log.Cosigned.All(each => each.Size.Value <= ForkedLog.Common))
        {
            Assert.DoesNotContain(racing, task => task.IsCompleted);
            await Task.Delay(10, patience.Token);
        }
        await Task.Delay(chance.Next(WindowMsMax));
        await server.KillAsync();
        await Task.WhenAll(racing).WaitAsync(Patience);
    }

    private static async Task UntilKilledAsync(Task race)
    {
        try
        {
            await race;
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException)
        {
        }
    }

    // What was on its way when it was killed may have become durable and not have been answered: then the witness stands further than anybody was told.
    private static async Task RequireOneHistoryAsync(AskedProcess witness, ForkedLog log)
    {
        var last = await witness.LatestAsync(log);
        Assert.All(log.Cosigned, cosigned => Assert.True(cosigned.Size.Value <= last.Size.Value, $"{cosigned.Size} was cosigned, and it stands at {last.Size}."));
        var known = log.Cosigned.Append(last).ToArray();
        var history = log.IsAllOf(0, known) ? 0 : 1;
        Assert.True(log.IsAllOf(history, known), "Both histories were cosigned.");
        var next = new TreeSize(last.Size.Value + 1);

        Assert.Equal((HttpStatusCode.Conflict, last.Size), await witness.AskAsync(log, 1 - history, default, next));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, null), await witness.AskAsync(log, 1 - history, last.Size, next));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, null), await witness.AskAsync(log, 1 - history, last.Size, last.Size));
        Assert.Equal((HttpStatusCode.OK, next), await witness.AskAsync(log, history, last.Size, next));
    }
}
