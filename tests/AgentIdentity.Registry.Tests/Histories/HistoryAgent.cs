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
    private readonly ConcurrentQueue<HeldCredential> _received = [];
    private readonly SemaphoreSlim _recording = new(1);
    private ulong _sequence;
    private Hash _previous;
    private bool _isUnsettled;

    public SubjectId Id => id;

    public PrivateKey Key => key;

    public KeyId KeyId => key.PublicKey.KeyId;

    public string Sponsor => sponsor;

    public string Blueprint => blueprint;

    public Issued Credential => _credentials.Last();

    public Party PartyWith(Issued? credential) => new(id, KeyId, sponsor, blueprint, credential?.Claims.Jti);

    public TestAgent At(TestNode node) => new(node, key, id, first);

    /// <summary>Its own newest credential, and the newest that it was passed.</summary>
    public IReadOnlyList<HeldCredential> Held => _received.LastOrDefault() is { } passed ? [new(Credential, []), passed] : [new(Credential, [])];

    /// <summary>Its own, or now and then what it was passed.</summary>
    public HeldCredential Choose(Random random) => random.Next(3) == 0 ? Held[^1] : Held[0];

    public async Task<(Refusal Refusal, LeafIndex? Index)> IssueAsync(TestNode node) => Keep(await node.Node.Issuing.IssueAsync(At(node).Record, "", [], 0));

    public async Task<(Refusal Refusal, LeafIndex? Index)> RenewAsync(TestNode node) => Keep(await node.Node.Issuing.RenewAsync(At(node).Record, Credential.Token));

    /// <summary>Passes on all but one link of the depth that is left.</summary>
    public async Task<(Refusal Refusal, LeafIndex? Index)> DelegateAsync(TestNode node, HeldCredential from, HistoryAgent child)
    {
        var passed = await node.DelegateAsync(from.Credential.Token, child.Id, Delegations.Deep(9 - from.Above.Count));
        if (!passed.IsRefused)
            child._received.Enqueue(new(passed.Value, [PartyWith(from.Credential), .. from.Above]));
        return Seen(passed);
    }

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

    private (Refusal Refusal, LeafIndex? Index) Keep(Outcome<Issued> issued)
    {
        if (!issued.IsRefused)
            _credentials.Enqueue(issued.Value);
        return Seen(issued);
    }

    private static (Refusal Refusal, LeafIndex? Index) Seen(Outcome<Issued> issued) => (issued.Refusal, issued.IsRefused ? null : new LeafIndex(issued.Value.Claims.LedgerIndex));
}

/// <summary>A credential that an agent holds, and whose authority it is if not its own: nearest first.</summary>
internal sealed record HeldCredential(Issued Credential, IReadOnlyList<Party> Above);
