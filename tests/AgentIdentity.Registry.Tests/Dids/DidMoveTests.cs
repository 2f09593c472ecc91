using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Dids;

/// <summary>The log of an agent's DID leaves the registry: an operator asks, the sponsor signs, and what comes after is written elsewhere.</summary>
public sealed class DidMoveTests : IDisposable
{
    private const string Place = "agents.example%3A8443:research:reader";

    private readonly string _folder = TestNode.NewFolder();
    private readonly PrivateKey _held = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private readonly PrivateKey _after = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public void Dispose()
    {
        _held.Dispose();
        _after.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_goes_with_the_sponsors_line_and_names_where_it_was()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        registry.Node.KeepDids();
        var agent = await EnrolHeldAsync(registry);
        var before = registry.Node.Dids.Resolve(agent.Id)!.Latest;
        await MoveAsync(registry, agent);

        var history = registry.Node.Dids.Resolve(agent.Id)!;
        Assert.True(history.HasMoved);
        Assert.Equal($"did:webvh:{before.Parameters.Scid}:{Place}", history.Latest.Did);
        Assert.Equal([HashOf(_after)], history.Latest.Parameters.NextKeyHashes);
        using var document = JsonDocument.Parse(history.Latest.Document);
        Assert.Equal([before.Did, registry.Node.Settings.Name.AgentDid(agent.Id)], document.RootElement.GetProperty("alsoKnownAs").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal($"{history.Latest.Did}#{agent.KeyId}", document.RootElement.GetProperty("assertionMethod")[0].GetString());
        Assert.Equal(history.Latest.Did, registry.Node.Dids.NameOf(agent.Id));
    }

    [Fact]
    public async Task After_that_the_registry_neither_asks_for_a_line_nor_writes_one_and_the_agent_goes_on_as_before()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        registry.Node.KeepDids();
        var agent = await EnrolHeldAsync(registry);
        var moved = await MoveAsync(registry, agent);
        Assert.Equal(Refusal.DidUnchanged, (await SubmitAsync(registry, agent, moved.Line)).Refusal);
        Assert.Equal(Refusal.DidUnchanged, registry.Node.Dids.MoveOf(agent.Record, "third.example").Refusal);
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        Assert.Equal(Refusal.DidUnchanged, registry.Node.Dids.ChangeOf(agent.Record).Refusal);

        var clock = registry.Clock;
        await registry.DisposeAsync();
        await using var again = TestNode.Open(_folder, clock);
        Assert.Equal(2, again.Node.Dids.Resolve(agent.Id)!.Versions.Count);
        Assert.Equal(Refusal.DidUnchanged, again.Node.Dids.ChangeOf(again.Node.State.FindAgent(agent.Id)!).Refusal);
    }

    [Fact]
    public async Task A_revocation_that_is_not_on_the_record_yet_ends_no_DID()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await EnrolHeldAsync(registry);
        var node = registry.Node;
        var pending = node.Standing.Deny(StandingState.Revoked, Scope.Agent(agent.Id), registry.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        Assert.Equal(Refusal.DidUnchanged, node.Dids.ChangeOf(agent.Record).Refusal);

        node.Standing.Settle(pending);
        TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        Assert.True(TestNode.Good(node.Dids.ChangeOf(agent.Record)).Deactivates);
    }

    [Fact]
    public async Task An_audit_holds_the_ledger_to_the_move_and_to_nothing_that_its_new_host_has_added()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await EnrolHeldAsync(registry);
        var moved = await MoveAsync(registry, agent);
        var latest = registry.Node.Dids.Resolve(agent.Id)!.Latest;
        var added = WebvhLog.Next(latest, latest.Document, _after, new WebvhChange([], Deactivates: true), registry.Clock.GetUtcNow());
        var elsewhere = WebvhResolver.Resolve(Encoding.UTF8.GetBytes($"{moved.Log}{moved.Line}\n{added}\n"), default, latest.Did, registry.Clock.GetUtcNow().AddMinutes(1)).History!;
        Assert.Equal(3, elsewhere.Versions.Count);

        var audit = DidLogAudit.Of(elsewhere, registry.Bodies());
        Assert.Empty(audit.Unlogged);
        Assert.Equal(1, audit.Elsewhere);
        Assert.Equal([latest.VersionId], DidLogAudit.Of(elsewhere, registry.Bodies().Where(body => body is not DidVersion)).Unlogged);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost%3A5000")]
    [InlineData("LOCALHOST%3A5000:agents:reader")]
    [InlineData("https://agents.example")]
    [InlineData("agents.example:8443:..")]
    [InlineData("10.0.0.1")]
    [InlineData("intranet")]
    public async Task Where_a_place_is_none_or_the_registrys_own_nothing_is_asked_for(string place)
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        Assert.Equal("localhost:5000", registry.Node.Settings.Name.Origin);
        var agent = await EnrolHeldAsync(registry);
        Assert.Equal(Refusal.MessageMalformed, registry.Node.Dids.MoveOf(agent.Record, place).Refusal);
    }

    [Fact]
    public async Task A_line_that_says_something_else_at_the_new_place_is_refused_and_so_is_a_move_under_the_registrys_own_key_or_of_a_revoked_agent()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        Assert.Equal(Refusal.DidNotHeld, registry.Node.Dids.MoveOf((await registry.EnrollAsync()).Record, Place).Refusal);
        var agent = await EnrolHeldAsync(registry);
        var asked = TestNode.Good(registry.Node.Dids.MoveOf(agent.Record, Place));
        var other = asked with { Document = asked.Document.Replace(agent.KeyId.ToString(), _after.PublicKey.KeyId.ToString(), StringComparison.Ordinal) };
        Assert.Equal(Refusal.DidLineInvalid, (await SubmitAsync(registry, agent, Signed(registry, other).Line)).Refusal);
        var signed = Signed(registry, asked);
        TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        Assert.Equal(Refusal.DidUnchanged, (await SubmitAsync(registry, agent, signed.Line)).Refusal);
        Assert.False(registry.Node.Dids.Resolve(agent.Id)!.HasMoved);
    }

    private async Task<DidChange> MoveAsync(TestNode registry, TestAgent agent)
    {
        var signed = Signed(registry, TestNode.Good(registry.Node.Dids.MoveOf(agent.Record, Place)));
        TestNode.Good(await SubmitAsync(registry, agent, signed.Line));
        return signed;
    }

    private async Task<TestAgent> EnrolHeldAsync(TestNode registry) => await registry.EnrollAsync(
        await registry.NewTokenAsync(new Operating.TokenWish("team", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0) { NextDidKeyHash = HashOf(_held) }));

    private DidChange Signed(TestNode registry, DidChange change) => change.Sign(_held, HashOf(_after), change.Document.Contains($":{Place}\"", StringComparison.Ordinal) ? Place : null, registry.Clock.GetUtcNow(), out _)!;

    private static Task<Outcome<LeafIndex>> SubmitAsync(TestNode registry, TestAgent agent, string line) => registry.Node.Dids.SubmitAsync(registry.Operator.Id, agent.Record, line);

    private static string HashOf(PrivateKey key) => Multikey.NextKeyHash(Multikey.Of(key.PublicKey));
}
