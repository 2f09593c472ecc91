using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Operating;

/// <summary>A look at private data. <paramref name="About"/> is null when it is about the registry and not about one agent.</summary>
public sealed record Look(SubjectId Actor, PrivateDataRead Read, SubjectId? About);

/// <summary>Puts looks at private data on the record, before their answers leave.</summary>
/// <remarks>
/// While nothing can be written an operator is answered nevertheless, since whoever stops an agent on a full disk must see whom. Such looks are kept in memory, and are entries as soon as there is room;
/// what is kept when the process is killed is lost.
/// </remarks>
public sealed class ReadJournal(Sequencer sequencer)
{
    // Looks for which there was not even this room are refused.
    private const int LateMax = 1024;

    private readonly Lock _lock = new();
    private List<Look> _late = [];

    /// <summary>Durable when it returns, or refused.</summary>
    public Task<Outcome<LeafIndex>> RecordAsync(Look look) => RecordAsync(Lane.Ordinary, look);

    /// <summary>An operator's: before whoever waits, and when there is no room to write now, kept until there is. <see cref="Refusal.None"/> when the answer may leave.</summary>
    public async Task<Refusal> RecordEvenLateAsync(Look look)
    {
        var written = await RecordAsync(Lane.Control, look).ConfigureAwait(false);
        return written.Refusal is Refusal.StorageFull or Refusal.Overloaded && TryKeep(look) ? Refusal.None : written.Refusal;
    }

    /// <summary>Writes what was kept. Called each second by the host.</summary>
    public async Task FlushAsync()
    {
        List<Look> late;
        lock (_lock)
            (late, _late) = (_late, []);
        if (late.Count == 0)
            return;
        var written = await sequencer.DecideAsync<LeafIndex>(Lane.Control, draft => late.Select(look => Stage(draft, look)).ToArray()[^1]).ConfigureAwait(false);
        if (!written.IsRefused)
            return;
        lock (_lock)
            _late.InsertRange(0, late);
    }

    private Task<Outcome<LeafIndex>> RecordAsync(Lane lane, Look look) => sequencer.DecideAsync<LeafIndex>(lane, draft => Stage(draft, look));

    private static LeafIndex Stage(Draft draft, Look look) => draft.Stage(look.Actor, look.Read, look.About ?? draft.RegistryId);

    private bool TryKeep(Look look)
    {
        lock (_lock)
        {
            if (_late.Count >= LateMax)
                return false;
            _late.Add(look);
            return true;
        }
    }
}
