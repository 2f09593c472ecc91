using System.Collections.Concurrent;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>An agent that outlives the node: its key, the credentials that it was given, and its chain.</summary>
internal sealed class HistoryAgent(PrivateKey key, SubjectId id, string sponsor, string blueprint, Issued first) : IDisposable
{
    private readonly ConcurrentQueue<Issued> _credentials = new([first]);
    private readonly ConcurrentQueue<(Issued Credential, Party Above)> _received = [];
    private readonly SemaphoreSlim _recording = new(1);
    private ulong _sequence;
    private Hash _previous;
    private bool _isUnsettled;

    public SubjectId Id => id;

    public KeyId KeyId => key.PublicKey.KeyId;

    public string Sponsor => sponsor;

    public string Blueprint => blueprint;

    public Issued Credential => _credentials.Last();

    public Party PartyWith(Issued? credential) => new(id, KeyId, sponsor, blueprint, credential?.Claims.Jti);

    public TestAgent At(TestNode node) => new(node, key, id, first);

    public void Add(Issued credential) => _credentials.Enqueue(credential);

    public void Receive(Issued credential, Party above) => _received.Enqueue((credential, above));

    /// <summary>Its own newest credential, or now and then the newest that it was passed.</summary>
    public (Issued Credential, Party? Above) Choose(Random random) => random.Next(3) == 0 && _received.LastOrDefault() is { Credential: not null } passed ? passed : (Credential, null);

    /// <summary>Continues the chain. Null when what was answered may be an entry from before, since the call before was never answered.</summary>
    public async Task<(Refusal Refusal, LeafIndex? Index)?> RecordAsync(TestNode node)
    {
        await _recording.WaitAsync();
        try
        {
            var statement = At(node).Statement(_sequence, _previous);
            var recorded = await At(node).SendAsync(statement);
            var isRetry = _isUnsettled;
            _isUnsettled = recorded.Refusal == Refusal.RegistryHalted || (isRetry && recorded.IsRefused);
            if (recorded.IsRefused)
                return (recorded.Refusal, null);
            (_sequence, _previous) = (_sequence + 1, Sha256.Hash(statement));
            // Evidence goes on; what is quarantined counts as refused.
            return isRetry ? null : recorded.Value.Class == EntryClass.Quarantined ? (node.Node.Standing.RefusalOf(id), null) : (Refusal.None, recorded.Value.Index);
        }
        finally
        {
            _recording.Release();
        }
    }

    public void Dispose() => _recording.Dispose();
}
