using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What a registry has cosigned of other logs stands in its own ledger, before the entries that are written afterwards.</summary>
public sealed class CosignedLogTests : IDisposable
{
    private readonly Ed25519PrivateKey _privateKey = Ed25519PrivateKey.Generate();
    private readonly NoteSignerKey _log;
    private readonly GrownTree _tree = new(0);

    public CosignedLogTests() => _log = new NoteSignerKey("other.example/log", _privateKey);

    public void Dispose() => _privateKey.Dispose();

    [Fact]
    public async Task It_stands_before_the_next_entry_with_the_signatures_of_both()
    {
        await using var registry = await FoundAsync();
        Cosign(registry, 0, 5);

        await registry.NewTokenAsync();

        var bodies = registry.Bodies().ToList();
        var cosigned = Assert.IsType<LogCosigned>(bodies[bodies.FindIndex(body => body is TokenCreated) - 1]);
        Assert.True(NoteVerifierKey.TryParse(registry.Node.Witness.Vkey, out var witness, out _));
        Assert.True(SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(cosigned.Note), out var note, out _));
        Assert.Equal((NoteRefusal.None, NoteRefusal.None), (note.Verify(_log.Verifier), note.Verify(witness)));
        Assert.Equal((_log.Verifier.Name, 5ul, _tree.Root(5)), (cosigned.ReadCheckpoint()!.Origin, cosigned.ReadCheckpoint()!.Size.Value, cosigned.ReadCheckpoint()!.Root));
    }

    [Fact]
    public async Task A_registry_in_which_nothing_happens_does_not_grow()
    {
        await using var registry = await FoundAsync();
        await registry.WhenSignedAsync();
        var position = registry.Node.State.Position;

        Cosign(registry, 0, 5);
        registry.Clock.Advance(TimeSpan.FromHours(1));
        Cosign(registry, 5, 9);

        Assert.Equal(position, registry.Node.State.Position);
        await registry.NewTokenAsync();
        Assert.Equal([9ul], Sizes(registry));
    }

    [Fact]
    public async Task Once_a_minute_at_most_and_only_what_is_larger()
    {
        await using var registry = await FoundAsync();
        Cosign(registry, 0, 5);
        await registry.NewTokenAsync();
        Cosign(registry, 5, 9);
        await registry.NewTokenAsync();
        Assert.Equal([5ul], Sizes(registry));

        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        await registry.NewTokenAsync();
        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        await registry.NewTokenAsync();

        Assert.Equal([5ul, 9], Sizes(registry));
    }

    [Fact]
    public async Task A_stop_waits_for_no_other_log()
    {
        await using var registry = await FoundAsync();
        var agent = await registry.EnrollAsync();
        Cosign(registry, 0, 5);

        TestNode.Good(await registry.StopAsync(agent));

        Assert.Empty(Sizes(registry));
    }

    [Fact]
    public async Task Without_room_it_is_recorded_when_there_is_some()
    {
        await using var registry = await FoundAsync();
        Cosign(registry, 0, 5);
        registry.Store.OnAppend = Fault.Full;
        Assert.Equal(Refusal.StorageFull, (await registry.Node.Reads.RecordAsync(new Look(registry.Operator.Id, new PrivateDataRead("/test", "1", 1), null))).Refusal);
        registry.Store.OnAppend = Fault.None;
        registry.Clock.Advance(TimeSpan.FromMinutes(1));

        await registry.NewTokenAsync();

        Assert.Equal([5ul], Sizes(registry));
    }

    [Fact]
    public async Task After_a_restart_the_ledger_reads_as_before_and_goes_on()
    {
        var registry = await FoundAsync();
        Cosign(registry, 0, 5);
        await registry.NewTokenAsync();
        await registry.DisposeAsync();

        await using var again = TestNode.Open(registry.Folder, registry.Clock, with: Watching);
        Cosign(again, 5, 9);
        await again.NewTokenAsync();

        Assert.Equal([5ul, 9], Sizes(again));
    }

    [Fact]
    public void A_note_that_is_no_checkpoint_or_too_long_is_no_entry()
    {
        var note = System.Text.Encoding.UTF8.GetString(_tree.Note(_log, 5).ToArray());
        Assert.NotNull(new LogCosigned(note).ReadCheckpoint());
        Assert.Null(new LogCosigned(note.Replace("\n5\n", "\n05\n", StringComparison.Ordinal)).ReadCheckpoint());
        Assert.Null(new LogCosigned(note[..note.IndexOf("\n\n", StringComparison.Ordinal)]).ReadCheckpoint());
        Assert.Null(new LogCosigned(note.Replace("\n5\n", $"\n5\n{new string('x', LogCosigned.NoteBytesMax)}\n", StringComparison.Ordinal)).ReadCheckpoint());
    }

    private Task<TestNode> FoundAsync() => TestNode.FoundAsync(with: Watching);

    private RegistrySettings Watching(RegistrySettings settings) => settings with { WitnessedLogs = [_log.Verifier] };

    private void Cosign(TestNode registry, ulong old, ulong size) =>
        Assert.Equal(WitnessRefusal.None, registry.Node.Witness.Add(_tree.Request(_log, old, size).ToArray()).Refusal);

    private static IEnumerable<ulong> Sizes(TestNode registry) => registry.Bodies().OfType<LogCosigned>().Select(cosigned => cosigned.ReadCheckpoint()!.Size.Value);
}
