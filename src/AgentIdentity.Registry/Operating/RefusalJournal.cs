using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Operating;

/// <summary>Gathers refusals that are to be seen, all of the control listener among them, and puts them on the record once a second, so that flooding a listener does not flood the ledger.</summary>
public sealed class RefusalJournal(Sequencer sequencer, State.RegistryState state)
{
    // More kinds than this in a second are counted together: a flood of keys must not become a flood of memory.
    private const int KindsMax = 256;

    private static readonly (string Method, string Reason, KeyId? Key) Others = ("*", "*", null);

    private readonly Lock _lock = new();
    private Dictionary<(string Method, string Reason, KeyId? Key), uint> _counts = [];

    public void Note(string method, string reason, KeyId? key)
    {
        lock (_lock)
            Count(new RefusedCalls(method, reason, key, 1));
    }

    /// <summary>Writes what has come since the last time. Called each second by the host.</summary>
    public async Task FlushAsync()
    {
        Dictionary<(string Method, string Reason, KeyId? Key), uint> counts;
        lock (_lock)
        {
            if (_counts.Count == 0 || !state.IsBootstrapped)
                return;
            (counts, _counts) = (_counts, []);
        }
        var refused = counts
            .Select(pair => new RefusedCalls(pair.Key.Method, pair.Key.Reason, pair.Key.Key, pair.Value))
            .OrderBy(calls => calls.Method, StringComparer.Ordinal).ThenBy(calls => calls.Reason, StringComparer.Ordinal).ThenBy(calls => calls.KeyId?.Value)
            .ToArray();
        var written = await sequencer.DecideAsync<Ledger.LeafIndex>(Lane.Ordinary, draft => draft.Stage(draft.RegistryId, new CallsRefused(refused), draft.RegistryId)).ConfigureAwait(false);
        if (!written.IsRefused)
            return;
        // Not lost while there is no room: counted again with what comes next.
        lock (_lock)
            Array.ForEach(refused, Count);
    }

    private void Count(RefusedCalls calls)
    {
        var kind = (calls.Method, calls.Reason, calls.KeyId);
        if (!_counts.ContainsKey(kind) && _counts.Count - (_counts.ContainsKey(Others) ? 1 : 0) >= KindsMax)
            kind = Others;
        _counts[kind] = _counts.GetValueOrDefault(kind) + calls.Count;
    }
}
