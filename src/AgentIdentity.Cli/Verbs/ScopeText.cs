using System.CommandLine;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Protocol.V1;
using Scope = AgentIdentity.Credentials.Entries.Scope;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Scopes as people write them: an agent by whatever names it, or <c>word:value</c> (docs/formats.md, "Scope").</summary>
internal static class ScopeText
{
    private const string Forms = "An agent (its DID, UUID, or name in the home folder), agent:AGENT, agent-with-delegates:AGENT, credential:JTI, key:THUMBPRINT, blueprint:NAME, model:NAME, sponsor:NAME, "
        + "audience:URL, resource:LOCATION, label:NAME=VALUE, issuer-key:THUMBPRINT@ENTRY, everything.";

    public static Argument<string> Create() => new("scope") { Description = Forms };

    public static Scope Read(Invocation run, string text)
    {
        const string WithDelegates = "agent-with-delegates:";
        const string Alone = "agent:";
        if (text.StartsWith(WithDelegates, StringComparison.Ordinal))
            return Scope.AgentWithDelegates(AgentId(run, text[WithDelegates.Length..]));
        if (text.StartsWith(Alone, StringComparison.Ordinal))
            return Scope.Agent(AgentId(run, text[Alone.Length..]));
        if (Scope.TryParse(text, out var scope))
            return scope;
        // No agent is called so: a DID begins otherwise, and a name has no colon.
        if (text.Contains(':', StringComparison.Ordinal) && !text.StartsWith("did:", StringComparison.Ordinal))
            throw Failure.Usage($"'{text}' is no scope.", $"A scope is one of these. {Forms}");
        return Scope.Agent(AgentId(run, text));
    }

    private static SubjectId AgentId(Invocation run, string text) => AgentArgument.Id(run, AgentArgument.Did(run, text));

    public static Wire.Scope ToWire(Scope scope) => scope.Kind switch
    {
        ScopeKind.Agent => new() { Agent = scope.Value },
        ScopeKind.AgentWithDelegates => new() { AgentWithDelegates = scope.Value },
        ScopeKind.Credential => new() { Credential = scope.Value },
        ScopeKind.Key => new() { Key = scope.Value },
        ScopeKind.Blueprint => new() { Blueprint = scope.Value },
        ScopeKind.Model => new() { Model = scope.Value },
        ScopeKind.Sponsor => new() { Sponsor = scope.Value },
        ScopeKind.Audience => new() { Audience = scope.Value },
        ScopeKind.Resource => new() { Resource = scope.Value },
        ScopeKind.Label => new() { Label = new Label { Name = scope.Value[..scope.Value.IndexOf('=', StringComparison.Ordinal)], Value = scope.Value[(scope.Value.IndexOf('=', StringComparison.Ordinal) + 1)..] } },
        ScopeKind.IssuerKey => new() { IssuerKey = new IssuerKey { Key = scope.KeyId.ToString(), After = scope.After.Value } },
        ScopeKind.Everything => new() { Everything = true },
        _ => throw new InvalidOperationException($"No wire value for a scope of the kind {scope.Kind}."),
    };

    /// <param name="scope">What is stopped; absent where a sponsor is told of a stop of another's agent.</param>
    public static string From(Wire.Scope? scope) => scope?.OfCase switch
    {
        null => "another's agent, with its delegates,",
        Wire.Scope.OfOneofCase.Agent => $"agent:{scope.Agent}",
        Wire.Scope.OfOneofCase.AgentWithDelegates => $"agent-with-delegates:{scope.AgentWithDelegates}",
        Wire.Scope.OfOneofCase.Credential => $"credential:{scope.Credential}",
        Wire.Scope.OfOneofCase.Key => $"key:{scope.Key}",
        Wire.Scope.OfOneofCase.Blueprint => $"blueprint:{scope.Blueprint}",
        Wire.Scope.OfOneofCase.Model => $"model:{scope.Model}",
        Wire.Scope.OfOneofCase.Sponsor => $"sponsor:{scope.Sponsor}",
        Wire.Scope.OfOneofCase.Audience => $"audience:{scope.Audience}",
        Wire.Scope.OfOneofCase.Resource => $"resource:{scope.Resource}",
        Wire.Scope.OfOneofCase.Label => $"label:{scope.Label.Name}={scope.Label.Value}",
        Wire.Scope.OfOneofCase.IssuerKey => $"issuer-key:{scope.IssuerKey.Key}@{scope.IssuerKey.After}",
        Wire.Scope.OfOneofCase.Everything => "everything",
        _ => throw Failure.Refused("The registry names a scope that this version does not know.", "Update agentid."),
    };
}
