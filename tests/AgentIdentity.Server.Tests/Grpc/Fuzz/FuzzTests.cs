using System.Globalization;
using AgentIdentity.Server.Grpc;

namespace AgentIdentity.Server.Tests.Grpc.Fuzz;

/// <summary>
/// Every method of the access table, sent messages that can be read and whose fields are wrong, on the edge, missing or good, by each kind of caller that may call it. Two hundred for each method here, from one seed;
/// tests/fuzz sends as many as it is asked for.
/// </summary>
public sealed class FuzzTests
{
    public static TheoryData<string> Services => [.. AccessTable.Rows.Select(row => ServiceOf(row)).Distinct()];

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Whatever_a_message_says_the_answer_is_proper_or_a_named_refusal_that_changed_nothing(string service)
    {
        var (messages, seed) = (Setting("AGENTIDENTITY_FUZZ_MESSAGES", 200), Setting("AGENTIDENTITY_FUZZ_SEED", 20261121));
        await using var world = await FuzzWorld.StartAsync(seed);
        foreach (var row in AccessTable.Rows.Where(row => ServiceOf(row) == service))
            await world.SendAsync(row, row.IsStream ? messages / 8 : messages);
        await world.RequireHealthAsync();
    }

    private static string ServiceOf(AccessRow row) => row.Method.Split('/')[1];

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
