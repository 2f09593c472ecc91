using System.Net;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests.Attacks;

/// <summary>Texts that some reader might take for a DID of an agent: none is, wherever a DID can be said.</summary>
public sealed class HostileDidTests(SharedRegistry shared) : IClassFixture<SharedRegistry>
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private readonly TestRegistry _registry = shared.Registry;

    [Fact]
    public async Task No_call_takes_one_for_an_agent()
    {
        var agent = await _registry.EnrolAsync();
        using var asAgent = _registry.Connect(agent.Key, _ => new(agent.Credential));
        var calls = new (string Name, Func<string, Task> Call)[]
        {
            ("GetAgent", did => _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = did }).ResponseAsync),
            ("ResolveDid", did => _registry.AsOperator.Registry.ResolveDidAsync(new ResolveDidRequest { Did = did }).ResponseAsync),
            ("Stop", did => _registry.StopAgentAsync(did)),
            ("Delegate", did => asAgent.Credentials.DelegateAsync(new DelegateRequest { Agent = did, AuthorizationDetails = TestRegistry.MaximumEnvelope }).ResponseAsync),
            ("PlaceHold", did => _registry.AsOperator.Admin.PlaceHoldAsync(new PlaceHoldRequest { Agent = did, Reason = "a court" }).ResponseAsync),
        };
        foreach (var (what, did) in Hostile(agent.Did).Where(one => !one.Did.Contains('\ud800', StringComparison.Ordinal)))
        {
            foreach (var (name, call) in calls)
                Assert.True(await RefusalOfAsync(() => call(did)) is Refusal.AgentUnknown or Refusal.ScopeMalformed or Refusal.MessageMalformed, $"{name}, {what}: {await RefusalOfAsync(() => call(did))}");
        }
        Assert.Equal(AgentState.Active, (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent.Did })).Agent.State);
    }

    [Fact]
    public async Task No_address_leads_to_an_agents_document()
    {
        var agent = await _registry.EnrolAsync();
        foreach (var (what, did) in Hostile(agent.Did).Where(one => one.Did.Length > 0))
        {
            var escaped = Uri.EscapeDataString(did.Replace("\ud800", "\ufffd", StringComparison.Ordinal));
            Assert.True(await StatusOfAsync($"/1.0/identifiers/{escaped}") is HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.NotImplemented, what);
            Assert.True(await StatusOfAsync($"/agents/{escaped}/did.json") is HttpStatusCode.BadRequest or HttpStatusCode.NotFound, what);
            Assert.True(await StatusOfAsync($"/agents/{escaped}/did.jsonl") is HttpStatusCode.BadRequest or HttpStatusCode.NotFound, what);
        }
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync($"/1.0/identifiers/{Uri.EscapeDataString(agent.Did)}"));
    }

    private static IEnumerable<(string Name, string Did)> Hostile(string did)
    {
        var id = did.Split(':')[^1];
        yield return ("nothing", "");
        yield return ("upper-case scheme", "DID" + did[3..]);
        yield return ("upper-case method", did.Replace("did:web", "did:Web", StringComparison.Ordinal));
        yield return ("another method", did.Replace("did:web", "did:webs", StringComparison.Ordinal));
        yield return ("upper-case id", did.Replace(id, id.ToUpperInvariant(), StringComparison.Ordinal));
        yield return ("id in braces", did.Replace(id, $"{{{id}}}", StringComparison.Ordinal));
        yield return ("id without hyphens", did.Replace(id, id.Replace("-", "", StringComparison.Ordinal), StringComparison.Ordinal));
        foreach (var (name, stray) in new[] { ("a space", " "), ("NUL", "\0"), ("a new line", "\n"), ("a percent sign", "%"), ("an escaped NUL", "%00"), ("an escaped space", "%20"), ("a zero-width space", "\u200b"), ("a fragment", "#key"), ("a query", "?versionId=1"), ("a path", "/did.json"), ("a colon", ":"), ("half a surrogate", "\ud800") })
        {
            yield return ($"{name} behind", did + stray);
            yield return ($"{name} in front", stray + did);
            yield return ($"{name} within", did.Replace("agents", "agents" + stray, StringComparison.Ordinal));
        }
        yield return ("lower-case escape", did.Replace("%3A", "%3a", StringComparison.Ordinal));
        yield return ("port unescaped", did.Replace("%3A", ":", StringComparison.Ordinal));
        yield return ("port escaped twice", did.Replace("%3A", "%253A", StringComparison.Ordinal));
        yield return ("letter escaped", did.Replace("agents", "%61gents", StringComparison.Ordinal));
        yield return ("hyphen escaped", did.Replace("-", "%2D", StringComparison.Ordinal));
        yield return ("overlong escape", did.Replace("agents", "agents%c0%af", StringComparison.Ordinal));
        yield return ("path traversal", did.Replace("agents:", "agents:..:agents:", StringComparison.Ordinal));
        yield return ("escaped path traversal", did.Replace("agents:", "agents:%2e%2e%2fagents%2f", StringComparison.Ordinal));
        yield return ("slashes", did.Replace("agents:", "agents/", StringComparison.Ordinal));
        yield return ("up to a file", "../../../../etc/passwd");
        yield return ("up to a file below the host", did.Replace(id, "..%2f..%2f..%2fetc%2fpasswd", StringComparison.Ordinal));
        yield return ("user before the host", did.Replace("did:web:", "did:web:user%40", StringComparison.Ordinal));
        yield return ("another host", did.Replace("localhost", "attacker.example", StringComparison.Ordinal));
        yield return ("host with a final dot", did.Replace("localhost", "localhost.", StringComparison.Ordinal));
        yield return ("host in upper case", did.Replace("localhost", "LOCALHOST", StringComparison.Ordinal));
        yield return ("Cyrillic o", did.Replace("localhost", "lоcalhost", StringComparison.Ordinal));
        yield return ("Cyrillic a", did.Replace("agents", "аgents", StringComparison.Ordinal));
        yield return ("full-width letters", did.Replace("agents", "ａｇｅｎｔｓ", StringComparison.Ordinal));
        yield return ("full-width digit", did.Replace(id, (char)(id[0] + 0xfee0) + id[1..], StringComparison.Ordinal));
        yield return ("long s", did.Replace("agents", "agentſ", StringComparison.Ordinal));
        yield return ("combining accent", did.Replace("agents", "a\u0301gents", StringComparison.Ordinal));
        yield return ("right-to-left mark", did.Replace("agents", "\u202eagents", StringComparison.Ordinal));
        yield return ("SQL", did + "' OR '1'='1");
        yield return ("very long", did + new string('a', 5000));
        yield return ("many colons", did + new string(':', 500));
        yield return ("the registry's", did[..did.IndexOf(":agents", StringComparison.Ordinal)] + ":agents");
    }

    private static async Task<Refusal> RefusalOfAsync(Func<Task> call)
    {
        try
        {
            await call();
            return Refusal.None;
        }
        catch (RegistryRefusedException refused)
        {
            return refused.Refusal ?? Refusal.None;
        }
    }

    private async Task<HttpStatusCode> StatusOfAsync(string path)
    {
        using var answer = await Http.GetAsync(new Uri(_registry.HttpUrl + path));
        return answer.StatusCode;
    }
}
