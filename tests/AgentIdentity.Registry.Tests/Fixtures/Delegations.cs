using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry.Delegating;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>Agents that may pass on, and what they pass on.</summary>
internal static class Delegations
{
    /// <summary>What the agents of these tests may do themselves: down ten links.</summary>
    public const string DeepEnvelope = """[{"type":"notes","actions":["read","write"],"locations":["notes/*"],"maxDepth":10}]""";

    public static string Deep(int maxDepth) => $$"""[{"type":"notes","actions":["read"],"locations":["notes/*"],"maxDepth":{{maxDepth}}}]""";

    public static async Task<TestAgent> EnrollDeepAsync(this TestNode registry, string sponsor = "team")
    {
        var wish = new TokenWish(sponsor, "bot/1", [], DeepEnvelope, [TestNode.Audience, "https://mail.example"], 1, 0);
        return await registry.EnrollAsync(TestNode.Good(await registry.Node.Operating.CreateTokenAsync(registry.Operator, wish)).Text);
    }

    public static PresentedCredential Read(this TestNode registry, string credential)
    {
        Assert.Equal(Refusal.None, PresentedCredential.Read(credential, registry.Node.Settings.Name, registry.Node.State.IssuerKeys.Find, out var presented));
        return presented!;
    }

    public static Task<Outcome<Issued>> DelegateAsync(
        this TestNode registry, string above, SubjectId child, string? envelope = null, IReadOnlyList<string>? audience = null, uint lifetime = 0, params Budget[] budgets) =>
        registry.Node.Delegating.DelegateAsync(registry.Read(above), registry.Node.State.FindAgent(child)!, new DelegationWish(envelope ?? Deep(0), audience ?? [], lifetime, budgets));

    /// <summary>A chain of agents, each of which has passed on to the next: the credentials from the first agent's own to the last.</summary>
    public static async Task<List<(TestAgent Agent, string Credential)>> ChainAsync(this TestNode registry, int links, params Budget[] budgets)
    {
        var first = await registry.EnrollDeepAsync();
        var chain = new List<(TestAgent Agent, string Credential)> { (first, first.Credential) };
        for (var link = 1; link <= links; link++)
        {
            var next = await registry.EnrollDeepAsync();
            var issued = TestNode.Good(await registry.DelegateAsync(chain[^1].Credential, next.Id, Deep(10 - link), budgets: budgets));
            chain.Add((next, issued.Token));
        }
        return chain;
    }

    public static Task<Verdict> SpendAsync(this TestNode registry, TestAgent agent, string credential, params Budget[] spend) =>
        registry.Node.Spending.VerifyAsync(agent.Use(credential), spend, registry.Operator);
}
