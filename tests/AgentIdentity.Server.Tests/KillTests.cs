using System.Globalization;
using AgentIdentity.Server.Tests.Kills;
using Xunit.Abstractions;

namespace AgentIdentity.Server.Tests;

/// <summary>The real server, killed again and again under load. What it acknowledged must stand, once, where it said.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int WindowMsMin = 100;
    private const int WindowMsMax = 500;

    [Fact]
    public async Task After_each_kill_under_load_what_was_acknowledged_stands_once_where_it_was_said_and_the_root_recomputes()
    {
        var rounds = Number("AGENTIDENTITY_KILL_ROUNDS", 50);
        var seed = Number("AGENTIDENTITY_KILL_SEED", Environment.ProcessId);
        output.WriteLine($"{rounds} rounds, seed {seed}");
        var chance = new Random(seed);
        await using var campaign = await Campaign.FoundAsync(chance.Next());
        for (var round = 0; round < rounds; round++)
        {
            var window = TimeSpan.FromMilliseconds(chance.Next(WindowMsMin, WindowMsMax));
            try
            {
                await campaign.RunRoundAsync(window);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Round {round} of seed {seed}, killed after {window.TotalMilliseconds:F0} ms: {e.Message}", e);
            }
        }
        await campaign.FinishAsync();
        output.WriteLine(campaign.Describe());
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
