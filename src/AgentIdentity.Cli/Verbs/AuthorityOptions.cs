using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Envelopes;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What agents may do and whom they may address, as options say it. docs/formats.md, "Envelope".</summary>
internal static class AuthorityOptions
{
    public static Option<string[]> Allow(string description) => new("--allow")
    {
        HelpName = "TYPE:ACTION[,ACTION]:LOCATION",
        Description = $"{description}; may be repeated. Actions and the location are exact, or end in '/*'.",
        DefaultValueFactory = _ => [],
    };

    public static Option<int> Depth() => new("--depth") { HelpName = "LINKS", Description = "How often what --allow names may be passed on: 0 to 10.", DefaultValueFactory = _ => 0 };

    public static Option<string> EnvelopeFile() => new("--envelope") { HelpName = "FILE", Description = "The same as --allow, written out: an authorization_details array in JSON." };

    public static Option<string[]> Audiences(string description, bool required = false) => new("--audience")
    {
        Required = required,
        HelpName = "AUDIENCE",
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = required ? null : _ => [],
    };

    /// <summary>The envelope as JSON, checked here so that a slip is told before anything is sent; null when no option names one.</summary>
    public static string? Envelope(Invocation run, Option<string[]> allow, Option<string> envelopeFile, Option<int> depth)
    {
        var allowed = run.Get(allow);
        var file = run.Find(envelopeFile);
        if (allowed.Length > 0 && file is not null)
            throw Failure.Usage("--allow and --envelope say the same thing twice.", "Give one of the two.");
        if (file is not null)
            return ReadEnvelope(file);
        return allowed.Length == 0 ? null : Check(new JsonArray([.. allowed.Select(text => ParseAllow(text, run.Get(depth)))]).ToJsonString(), "--allow");
    }

    private static string ReadEnvelope(string file) =>
        File.Exists(file) ? Check(File.ReadAllText(file), file) : throw Failure.Usage($"There is no file {file}.");

    public static JsonObject ParseAllow(string text, int depth)
    {
        // A location is a URL as a rule, so only the first two colons part.
        var parts = text.Split(':', 3);
        if (parts.Length != 3)
            throw Failure.Usage($"'{text}' allows nothing: TYPE:ACTION[,ACTION]:LOCATION is expected.", "For example --allow 'documents:read,list:https://tools.example/documents/*'");
        return new JsonObject { ["type"] = parts[0], ["actions"] = parts[1].Split(',').ToJson(), ["locations"] = new JsonArray(parts[2]), ["maxDepth"] = depth };
    }

    private static string Check(string json, string source) => Credentials.Envelopes.Envelope.TryParse(json, out var envelope)
        ? envelope.Canonical
        : throw Failure.Usage(
            $"{source}: this is no envelope: one to 32 items of type, actions and locations, no empty text, '*' only as a last '/*', a depth of 0 to 10.", "docs/formats.md, \"Envelope\", has an example.");
}
