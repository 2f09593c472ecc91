using System.Text.Json;

namespace AgentIdentity.Interop.Tests;

/// <summary>Deadlines that pass while the server answers. The client is bare HTTP/2 (tests/interop/http2), which sees what a gRPC client hides.</summary>
public sealed class DeadlineRaceTests(InteropHost host) : IClassFixture<InteropHost>
{
    private const string Success = "status 0";
    private const string DeadlineExceeded = "status 4";

    [SkippableFact]
    public async Task Every_unary_call_is_answered_in_time_or_not()
    {
        var race = await RaceAsync("unary", 20_000);
        Assert.Equal(20_000, race.Answered);
        Assert.Equal(0, race.LostConnections);
        Assert.All([Success, DeadlineExceeded], outcome => Assert.True(race.Outcomes.ContainsKey(outcome), $"There was no race: {race}"));
    }

    [SkippableFact]
    public async Task Streams_are_cut_with_an_answer_but_for_fewer_than_two_in_a_thousand()
    {
        var race = await RaceAsync("streams", 1_000);
        Assert.True(race.Answered > 998, $"{race}");
        Assert.Equal(0, race.LostConnections);
        Assert.True(race.Outcomes.ContainsKey(DeadlineExceeded), $"There was no race: {race}");
    }

    private async Task<Race> RaceAsync(string kind, int calls)
    {
        var script = Path.Combine(Repository.Root, "tests/interop/http2/deadline-race.mjs");
        var run = await Script.RunAsync("node", [script, $"{host.Port}", kind, $"{calls}"]);
        Assert.True(run.Errors.Length == 0, run.Errors);
        var race = JsonSerializer.Deserialize<Race>(run.Output, JsonSerializerOptions.Web);
        Assert.True(race is not null && race.Outcomes.Values.Sum() == calls, $"{race}");
        return race;
    }

    private sealed record Race(Dictionary<string, int> Outcomes, int LostConnections)
    {
        public int Answered => Outcomes.GetValueOrDefault(Success) + Outcomes.GetValueOrDefault(DeadlineExceeded);

        public override string ToString() => $"{string.Join(", ", Outcomes)}; connections lost: {LostConnections}";
    }
}
