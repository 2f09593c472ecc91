using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What an agent says of itself: kept apart from its sponsor's word, and no way out of a stop.</summary>
public sealed class StatedLabelTests
{
    private static readonly KeyValuePair<string, string> Eu = new("jurisdiction", "eu");
    private static readonly KeyValuePair<string, string> Version = new("version", "2.1.7");

    [Fact]
    public async Task They_stand_beside_the_sponsors_in_entry_state_and_credential_over_restarts()
    {
        var folder = TestNode.NewFolder();
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            var enrolled = TestNode.Good(await EnrollAsync(registry, Version, new("certification", "iso-27001")));
            Assert.Equal([Eu], enrolled.Credential.Claims.Labels);
            Assert.Equal(["certification", "version"], enrolled.Credential.Claims.StatedLabels.Select(label => label.Key));
            Assert.Equal(2, registry.Bodies().OfType<AgentEnrolled>().Single().Grant.StatedLabels.Count);
            Assert.Empty(registry.Bodies().OfType<TokenCreated>().Single().Grant.StatedLabels);
        }
        for (var restart = 0; restart < 2; restart++)
        {
            await using var again = TestNode.Open(folder);
            var terms = again.Node.State.AgentsFrom(0).Single().Grant.Terms;
            Assert.Equal([Eu], terms.Labels);
            Assert.Equal(["certification", "version"], terms.StatedLabels.Select(label => label.Key));
            await again.DisposeAsync();
            File.Delete(Path.Combine(folder, "snapshot"));
        }
    }

    [Fact]
    public async Task A_stop_of_a_label_reaches_who_states_it_and_who_comes_to_state_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = TestNode.Good(await EnrollAsync(registry, key, Version));
        var agent = new TestAgent(registry, key, enrolled.Agent.Id, enrolled.Credential);
        var other = await registry.EnrollAsync();
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));

        TestNode.Good(await registry.StopAsync(Scope.Label(Version.Key, Version.Value)));
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use(nonce: "n2")));
        Assert.Equal(Refusal.None, registry.Verify(other.Use()));
        Assert.Equal(Refusal.AgentFrozen, (await EnrollAsync(registry, Version)).Refusal);
        TestNode.Good(await EnrollAsync(registry, new KeyValuePair<string, string>("version", "2.1.8")));
    }

    [Fact]
    public async Task An_agent_says_nothing_in_its_sponsors_place()
    {
        await using var registry = await TestNode.FoundAsync();
        Assert.Equal(Refusal.LabelsMalformed, (await EnrollAsync(registry, new KeyValuePair<string, string>("jurisdiction", "us"))).Refusal);
        Assert.Equal(Refusal.LabelsMalformed, (await EnrollAsync(registry, Eu)).Refusal);
        Assert.Equal(0, registry.Node.State.AgentCount);
    }

    [Fact]
    public async Task They_are_as_many_and_as_long_as_a_sponsors()
    {
        await using var registry = await TestNode.FoundAsync();
        var many = Enumerable.Range(0, 17).Select(number => KeyValuePair.Create($"name-{number}", "value")).ToArray();
        TestNode.Good(await EnrollAsync(registry, many[..16]));
        foreach (var refused in new[] { many, [new("a=b", "c")], [new("", "c")], [new("a", "")], [new("a", "b\n")], [new(new string('x', 101), "b")], [new("a", new string('x', 101))] })
            Assert.Equal(Refusal.LabelsMalformed, (await EnrollAsync(registry, refused)).Refusal);
    }

    [Fact]
    public async Task A_retry_that_states_something_else_gets_what_was_stated_first()
    {
        await using var registry = await TestNode.FoundAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var token = await TokenAsync(registry);
        var first = TestNode.Good(await registry.Node.Enrolment.EnrollAsync(token, registry.EnrolmentProofFor(key, token, labels: Version), [], 0));
        var again = TestNode.Good(await registry.Node.Enrolment.EnrollAsync(token, registry.EnrolmentProofFor(key, token, labels: new KeyValuePair<string, string>("version", "3")), [], 0));
        Assert.Equal((first.Agent.Id, first.Credential.Claims.Jti), (again.Agent.Id, again.Credential.Claims.Jti));
        Assert.Equal([Version], again.Credential.Claims.StatedLabels);
    }

    private static Task<string> TokenAsync(TestNode registry) => registry.NewTokenAsync(new TokenWish("team", "bot/1", [Eu], TestNode.Envelope, [TestNode.Audience], 1, 0));

    private static Task<Outcome<Enrolled>> EnrollAsync(TestNode registry, params KeyValuePair<string, string>[] labels) => EnrollAsync(registry, PrivateKey.Generate(KeyAlgorithm.Ed25519), labels);

    private static async Task<Outcome<Enrolled>> EnrollAsync(TestNode registry, PrivateKey key, params KeyValuePair<string, string>[] labels)
    {
        var token = await TokenAsync(registry);
        return await registry.Node.Enrolment.EnrollAsync(token, registry.EnrolmentProofFor(key, token, labels: labels), [], 0);
    }
}
