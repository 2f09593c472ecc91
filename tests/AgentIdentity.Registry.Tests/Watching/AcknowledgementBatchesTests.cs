using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests.Watching;

/// <summary>How what many enforcers sign at once comes into the ledger.</summary>
public sealed class AcknowledgementBatchesTests
{
    [Fact]
    public async Task What_is_signed_at_once_is_one_write_and_none_of_it_is_left_out()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var signed = Encoding.ASCII.GetBytes(enforcer.Acknowledgement().Sign(enforcer.Key, TestNode.Url, registry.Clock.GetUtcNow()));
        var batches = new AcknowledgementBatches(registry.Node.Sequencer);

        // More than one batch takes.
        var written = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => batches.WriteAsync(enforcer.Stream.Enforcer, signed))).WaitAsync(TestNode.Patience);
        Assert.All(written, outcome => Assert.False(outcome.IsRefused));
        var entries = registry.Bodies().OfType<EnforcersAcknowledged>().ToArray();
        Assert.Equal(1000U, entries.Aggregate(0U, (sum, entry) => sum + entry.Count));
        // The first alone, two batches, and some for a machine that pauses between them.
        Assert.InRange(entries.Length, 2, 20);

        // A quiet time later the next one is written again.
        Assert.False((await batches.WriteAsync(enforcer.Stream.Enforcer, signed).WaitAsync(TestNode.Patience)).IsRefused);
        Assert.Equal(1001U, registry.Bodies().OfType<EnforcersAcknowledged>().Aggregate(0U, (sum, entry) => sum + entry.Count));
    }

    [Fact]
    public async Task More_enforcers_than_one_leaf_has_room_for_are_several_entries_of_one_group()
    {
        const int Many = 2100;
        await using var registry = await TestNode.FoundAsync();
        using var first = await ScriptedEnforcer.NewAsync(registry);
        await first.HeartbeatAsync();
        var keys = Enumerable.Range(0, Many).Select(_ => PrivateKey.Generate(KeyAlgorithm.Ed25519)).ToArray();
        var callers = await Task.WhenAll(keys.Select((key, i) => ScriptedEnforcer.RegisterAsync(registry, key, $"gateway {i} of many")));
        var acknowledgement = first.Acknowledgement();
        var signed = keys.Select(key => Encoding.ASCII.GetBytes(acknowledgement.Sign(key, TestNode.Url, registry.Clock.GetUtcNow()))).ToArray();

        // The writer is busy until all of them wait.
        var batches = new AcknowledgementBatches(registry.Node.Sequencer);
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var written = callers.Select((caller, i) => batches.WriteAsync(caller, signed[i])).ToArray();
        await Task.Delay(TimeSpan.FromMilliseconds(200));
        registry.Store.LetAppendsGo();
        await filler;

        Assert.All(await Task.WhenAll(written).WaitAsync(TestNode.Patience), outcome => Assert.False(outcome.IsRefused));
        var entries = registry.Bodies().OfType<EnforcersAcknowledged>().ToArray();
        Assert.Equal((uint)Many, entries.Aggregate(0U, (sum, entry) => sum + entry.Count));
        Assert.All(entries, entry => Assert.InRange(entry.Count, 1U, 512U));
    }

    [Fact]
    public async Task Who_was_removed_while_it_signed_is_left_out_and_the_others_are_not()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var signed = Encoding.ASCII.GetBytes(enforcer.Acknowledgement().Sign(enforcer.Key, TestNode.Url, registry.Clock.GetUtcNow()));
        using var nobody = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var batches = new AcknowledgementBatches(registry.Node.Sequencer);
        await Task.WhenAll(batches.WriteAsync(enforcer.Stream.Enforcer with { Key = nobody.PublicKey }, signed), batches.WriteAsync(enforcer.Stream.Enforcer, signed)).WaitAsync(TestNode.Patience);
        Assert.Equal(1U, Assert.Single(registry.Bodies().OfType<EnforcersAcknowledged>()).Count);
    }
}
