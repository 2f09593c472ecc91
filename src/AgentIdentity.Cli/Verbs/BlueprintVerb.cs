using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What agents are instances of.</summary>
internal static class BlueprintVerb
{
    private static readonly Argument<string> Name = new("name") { Description = "As enrolment tokens name it. Another version is another blueprint." };
    private static readonly Option<string> Model = new("--model") { HelpName = "NAME", Description = "What recalls by model ask for.", DefaultValueFactory = _ => "" };

    private static readonly Option<string[]> Reads = new("--read")
    {
        HelpName = "TYPE:ACTION",
        Description = "An action that only reads: what a restricted agent may still do; may be repeated.",
        DefaultValueFactory = _ => [],
    };

    public static Command Create() => new("blueprint", "What agents are instances of.")
    {
        new Command("define", "Say once what a blueprint is: its model, and which of its actions only read.") { Name, Model, Reads }.Does(DefineAsync),
    };

    private static async Task<int> DefineAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new DefineBlueprintRequest { Name = run.Get(Name), Model = run.Get(Model) };
        foreach (var read in run.Get(Reads))
        {
            var colon = read.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || colon == read.Length - 1)
                throw Failure.Usage($"'{read}' is not a type and an action.", "For example --read documents:read");
            request.Reads.Add(new ReadAction { Type = read[..colon], Action = read[(colon + 1)..] });
        }
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var done = await connection.Admin.DefineBlueprintAsync(request, cancellationToken: cancellationToken);
        run.Answer(
            new JsonObject { ["blueprint"] = request.Name, ["model"] = request.Model, ["reads"] = request.Reads.Count, ["ledger_index"] = done.LedgerIndex, ["epoch"] = done.At.Epoch },
            text => text.WriteLine($"blueprint {request.Name} defined, entry {done.LedgerIndex}"));
        return ExitCode.Fine;
    }
}
