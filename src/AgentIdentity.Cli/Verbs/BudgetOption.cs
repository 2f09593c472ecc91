using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Amounts by unit on the command line.</summary>
internal static class BudgetOption
{
    public static Option<string[]> Create(string name, string description) => new(name) { HelpName = "UNIT=AMOUNT", Description = description, DefaultValueFactory = _ => [] };

    public static IEnumerable<Budget> Read(Invocation run, Option<string[]> option) => run.Get(option).Select(Parse);

    public static JsonArray ToJson(IEnumerable<Budget> budgets) => new([.. budgets.Select(budget => new JsonObject { ["unit"] = budget.Unit, ["amount"] = budget.Amount })]);

    private static Budget Parse(string text)
    {
        var equals = text.LastIndexOf('=');
        return equals > 0 && ulong.TryParse(text.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var amount) && amount > 0
            ? new Budget { Unit = text[..equals], Amount = amount }
            : throw Failure.Usage($"'{text}' is no amount: UNIT=AMOUNT is expected, the amount a whole number of at least 1.", "For example calls=100");
    }
}
