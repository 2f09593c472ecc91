using System.CommandLine;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Protocol.V1;
using Grpc.Core;

namespace AgentIdentity.Cli.Verbs;

/// <summary>An agent on the command line: its DID, its UUID, or the name under which it was enrolled from this home folder.</summary>
internal static class AgentArgument
{
    public static Argument<string> Create() => new("agent") { Description = "The agent's DID, its UUID, its name in the home folder, or the did:key of its key." };

    /// <summary>An option for verbs that act as an agent of the home folder.</summary>
    public static Option<string> Name(string description) => new("--agent") { Required = true, HelpName = "NAME", Description = description };

    public static string Did(Invocation run, Argument<string> argument) => Did(run, run.Get(argument));

    public static string Did(Invocation run, string text)
    {
        if (run.Registry.TryParseAgent(text, out var id))
            return WebvhDid.TryParse(text, out _) ? Resolved(run, text, id) : run.Registry.AgentDid(id);
        // Which agent holds the key, the registry knows.
        if (Multikey.TryParseDid(text, out _))
            return text;
        if (run.Home.HasAgent(text))
            return run.Home.Agent(text).ReadState().Did;
        throw Failure.Usage(
            $"'{text}' is neither a DID of {run.Registry.Did}, nor a UUID, nor the name of an agent in the home folder.",
            "agentid agents list shows the agents. If the registry has another name, give it with --public-url.");
    }

    // Whether the SCID is the agent's only the registry knows; with another one it refuses. Words are read before a verb waits for anything, so this one waits here.
    private static string Resolved(Invocation run, string webvh, SubjectId id)
    {
        using var connection = run.Connect();
        try
        {
            _ = connection.Registry.ResolveDidAsync(new ResolveDidRequest { Did = webvh }).ResponseAsync.GetAwaiter().GetResult();
        }
        catch (RpcException silent) when (silent.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw Failure.Usage($"Whether {webvh} is the agent's name only the registry can say, and it does not answer.", $"If you mean the agent at that place, name it {run.Registry.AgentDid(id)}.");
        }
        return run.Registry.AgentDid(id);
    }

    public static SubjectId Id(Invocation run, string did) =>
        run.Registry.TryParseAgentDid(did, out var id) ? id : throw Failure.Usage(
            $"'{did}' is no DID of an agent of {run.Registry.Did}.", "agentid agents show tells the DID of a key's holder. If the registry has another name, give it with --public-url.");
}
