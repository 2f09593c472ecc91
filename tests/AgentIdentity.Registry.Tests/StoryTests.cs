using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>One registry from its founding to a stop, and what is left of it after a restart.</summary>
public sealed class StoryTests
{
    [Fact]
    public async Task An_agent_enrols_is_verified_records_is_stopped_and_is_refused_from_then_on()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
        Assert.Equal(EntryClass.Activity, (await agent.RecordAsync()).Class);

        var stopped = TestNode.Good(await registry.StopAsync(agent));

        Assert.Equal(1ul, stopped.Epoch);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.AgentFrozen, (await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Refusal);
        Assert.Equal(Refusal.AgentFrozen, (await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential)).Refusal);
        Assert.Equal(EntryClass.Quarantined, (await agent.RecordAsync()).Class);
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(1)]
    public async Task After_a_restart_agents_credentials_chains_and_stops_are_as_before(int snapshotEntries)
    {
        var folder = TestNode.NewFolder();
        TestAgent free, stopped;
        await using (var before = await TestNode.FoundAsync(folder, snapshotEntries: (ulong)snapshotEntries))
        {
            free = await before.EnrollAsync();
            stopped = await before.EnrollAsync(algorithm: KeyAlgorithm.Ed25519);
            await free.RecordAsync();
            TestNode.Good(await before.StopAsync(stopped, StandingState.Revoked));
        }

        await using var after = TestNode.Open(folder);
        Assert.DoesNotContain(after.Log, line => line.Contains("snapshot", StringComparison.Ordinal));
        Assert.Equal(2, after.Node.State.AgentCount);
        Assert.Equal(1ul, after.Node.State.Epoch);
        Assert.Equal(StandingState.Revoked, after.Node.State.StandingOf(after.Node.State.FindAgent(stopped.Id)!));
        Assert.Equal(1ul, after.Node.State.FindAgent(free.Id)!.Chain(free.Key.PublicKey.KeyId).Next);
        Assert.Equal(Refusal.None, after.Verify(free.At(after).Use()));
    }

    [Fact]
    public async Task A_fold_from_the_beginning_equals_the_fold_from_the_snapshot()
    {
        var folder = TestNode.NewFolder();
        await using (var before = await TestNode.FoundAsync(folder, snapshotEntries: 1))
        {
            for (var i = 0; i < 20; i++)
                await (await before.EnrollAsync()).RecordAsync();
        }
        string fromSnapshot;
        await using (var withSnapshot = TestNode.Open(folder))
            fromSnapshot = Describe(withSnapshot);
        File.Delete(Path.Combine(folder, "snapshot"));
        await using var without = TestNode.Open(folder);
        Assert.Equal(fromSnapshot, Describe(without));
    }

    [Fact]
    public async Task Every_entry_is_proven_under_the_signed_checkpoint()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var last = await agent.RecordAsync();
        await registry.WhenSignedAsync(last.Index);
        Assert.True(NoteVerifierKey.TryParse(registry.Node.Checkpoints.LogKey, out var logKey, out _));
        for (var i = 0ul; i <= last.Index.Value; i++)
        {
            var proof = TestNode.Good(registry.Node.LeafProofs.Prove(new LeafIndex(i)));
            Assert.True(Checkpoint.TryOpen(System.Text.Encoding.UTF8.GetBytes(proof.Checkpoint), logKey, out var checkpoint, out _));
            Assert.True(InclusionProof.Verify(new LeafIndex(i), checkpoint.Size, MerkleHash.Leaf(proof.Leaf), proof.Path, checkpoint.Root));
        }
    }

    private static string Describe(TestNode registry)
    {
        var state = registry.Node.State;
        var agents = state.AgentsFrom(0).Select(agent => $"{agent.Id} {agent.Key} {state.StandingOf(agent)} {agent.EnrolledIndex} {string.Join(';', agent.Chains.Select(chain => chain.ToString()))} {string.Join(';', agent.Credentials.Select(credential => $"{credential.Item.Jti} {credential.Item.ExpiresAt} {credential.Item.Authority} {credential.Index} {credential.Position}"))}");
        return $"{state.Position} {state.Epoch} {string.Join('\n', agents)}";
    }
}
