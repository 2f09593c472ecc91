using System.Collections.Concurrent;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>The credentials that the ledger holds, by what enforcers report of them. Kept from when the first one reports.</summary>
internal sealed class LoggedItems(RegistryState state, ILedgerStore store, TimeProvider clock)
{
    // Enforcers report what is unexpired; so long a report may be on its way.
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(15);

    // By a clock that nobody sets: one that was ahead for a moment must not have honest credentials accused.
    private static readonly TimeSpan Kept = Issuing.Issuing.LifetimeMax + Grace;

    private readonly ConcurrentDictionary<Hash, LiveCredential> _logged = new();
    private readonly ConcurrentQueue<(LeafIndex Index, IReadOnlyList<byte[]> Items)> _issued = new();
    private readonly Lock _lock = new();
    private volatile bool _isKept;

    // Owned by whoever holds the lock.
    private readonly Queue<(Hash Item, long AddedAt)> _byAge = [];
    private LeafIndex _begun;
    private Task? _readBack;

    /// <summary>Told by the writer, before the credentials are handed out. Costs nothing while nobody reports.</summary>
    public void Issued(LeafIndex index, IReadOnlyList<byte[]> items)
    {
        if (_isKept)
            _issued.Enqueue((index, items));
    }

    /// <summary>Those of the items that the ledger does not hold, ascending.</summary>
    public async Task<IReadOnlyList<Hash>> MissingAsync(IReadOnlyList<Hash> items)
    {
        if (!items.All(_logged.ContainsKey))
            CatchUp();
        if (!items.All(_logged.ContainsKey))
            await ReadBackAsync().ConfigureAwait(false);
        return [.. items.Where(item => !_logged.ContainsKey(item)).Distinct().Order()];
    }

    /// <summary>The credential that an item is; null for one that the ledger does not hold.</summary>
    public LiveCredential? Find(Hash item) => _logged.TryGetValue(item, out var found) ? found : null;

    /// <summary>Looks at what was issued since the last time, when anybody reports.</summary>
    public void CatchUpIfKept()
    {
        if (_isKept)
            CatchUp();
    }

    private void CatchUp()
    {
        lock (_lock)
        {
            if (!_isKept)
                Begin();
            while (_issued.TryDequeue(out var issued))
                Add(issued.Index, issued.Items);
            Forget();
        }
    }

    // The flag first: what is issued meanwhile is seen twice rather than not at all.
    private void Begin()
    {
        _isKept = true;
        foreach (var agent in state.AgentsFrom(0))
        {
            foreach (var credential in agent.Credentials)
                Add(agent, credential);
        }
        _begun = new LeafIndex(state.Position);
    }

    // Of an agent that has been issued another one since, the state has forgotten what was expired by then: the ledger is asked before anybody is accused, once, and by one thread for all who wait.
    private Task ReadBackAsync()
    {
        lock (_lock)
        {
            if (_readBack is null or { IsFaulted: true })
                _readBack = Task.Run(ReadBack);
            return _readBack;
        }
    }

    private void ReadBack()
    {
        foreach (var credential in new LedgerLookups(store).UnexpiredAt((clock.GetUtcNow() - Grace).ToUnixTimeMilliseconds(), _begun))
        {
            lock (_lock)
            {
                if (state.FindAgent(credential.Item.AgentId) is { } agent)
                    Add(agent, credential);
            }
        }
    }

    private void Add(LeafIndex index, IReadOnlyList<byte[]> items)
    {
        for (var position = 0; position < items.Count; position++)
        {
            if (IssuanceItem.TryDecode(items[position], out var item) && state.FindAgent(item.AgentId) is { } agent)
                Add(agent, new LiveCredential(item, index, (uint)position));
        }
    }

    private void Add(AgentRecord agent, LiveCredential credential)
    {
        var item = credential.Item;
        var hash = AcceptedItem.HashOf(item, agent.Grant.Terms, credential.Index, credential.Position);
        if (_logged.TryAdd(hash, credential))
            _byAge.Enqueue((hash, clock.GetTimestamp()));
    }

    private void Forget()
    {
        while (_byAge.TryPeek(out var first) && clock.GetElapsedTime(first.AddedAt) > Kept)
            _logged.TryRemove(_byAge.Dequeue().Item, out _);
    }
}
