using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Tests.Kills;

/// <summary>The ledger as a kill left it: read from a copy of the files, so that the server still has to recover its own.</summary>
internal sealed class StoredLedger
{
    private const int PageEntries = 4096;

    private readonly Dictionary<Hash, ulong> _statements = [];
    private readonly Dictionary<KeyId, SubjectId> _agents = [];
    private readonly Dictionary<SubjectId, (ulong Index, ulong Position)> _credentials = [];
    private readonly Dictionary<ulong, Stop> _stops = [];
    private readonly CompactRange _tree = new();

    private StoredLedger()
    {
    }

    public ulong Size => _tree.Size.Value;

    public ulong SignedSize { get; private set; }

    /// <summary>Reads every entry. Holds it against its leaf, and the leaves against the root that was signed; what stands twice fails.</summary>
    public static StoredLedger Read(string dataFolder)
    {
        var copy = Directory.CreateTempSubdirectory("agentidentity-kill-copy-");
        try
        {
            foreach (var file in Directory.GetFiles(dataFolder, SqliteLedgerStore.FileName + "*").Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
                File.Copy(file, Path.Combine(copy.FullName, Path.GetFileName(file)));
            using var store = SqliteLedgerStore.Open(copy.FullName);
            var ledger = new StoredLedger();
            ledger.ReadAll(store);
            return ledger;
        }
        finally
        {
            copy.Delete(recursive: true);
        }
    }

    public void RequireAll(Acknowledged acknowledged)
    {
        foreach (var (identity, index) in acknowledged.Statements)
            Assert.True(_statements.TryGetValue(identity, out var found) && found == index, $"The statement acknowledged at {index} stands at {found}.");
        foreach (var (key, id) in acknowledged.Agents)
            Assert.True(_agents.TryGetValue(key, out var found) && found == id, $"The agent {id} that was acknowledged is {found}.");
        foreach (var (jti, place) in acknowledged.Credentials)
            Assert.True(_credentials.TryGetValue(jti, out var found) && found == place, $"The credential acknowledged at {place} stands at {found}.");
        foreach (var (agent, stop) in acknowledged.Stops)
            Assert.True(_stops.TryGetValue(stop.Index, out var found) && found.Scope == Scope.Agent(agent) && (int)found.State == (int)stop.State, $"The stop acknowledged at {stop.Index} is {found}.");
    }

    private void ReadAll(SqliteLedgerStore store)
    {
        var signed = store.LastCheckpoint;
        SignedSize = signed?.Size.Value ?? 0;
        Assert.True(SignedSize <= store.Size.Value, $"A tree of {SignedSize} was signed, and {store.Size} entries stand.");
        while (Size < store.Size.Value)
        {
            foreach (var row in store.Read(new LeafIndex(Size), PageEntries))
            {
                Add(row);
                if (Size == SignedSize)
                    Assert.Equal(signed!.Root, _tree.Root());
            }
        }
    }

    private void Add(StoredEntry row)
    {
        Assert.True(Entry.TryDecode(row.Entry, out var entry));
        Assert.True(Opening.TryDecode(row.Opening, out var opening));
        Assert.True(Leaf.TryDecode(row.Leaf, out var leaf));
        Assert.Equal(leaf!.Commitment, Leaf.Commit(opening.Salt.ToArray(), row.Entry));
        Assert.Equal(row.Index, _tree.Append(MerkleHash.Leaf(row.Leaf)));
        Add(row.Index.Value, entry.Body, opening);
    }

    // Adding what is there already throws: nothing may stand twice.
    private void Add(ulong index, EntryBody body, Opening opening)
    {
        switch (body)
        {
            case Activity activity:
                _statements.Add(Sha256.Hash(activity.Statement), index);
                break;
            case AgentEnrolled enrolled:
                _agents.Add(enrolled.Key.KeyId, enrolled.AgentId);
                break;
            case Stop stop:
                _stops.Add(index, stop);
                break;
            case CredentialsIssued:
                for (var i = 0; i < opening.Items.Count; i++)
                {
                    Assert.True(IssuanceItem.TryDecode(opening.Items[i], out var item));
                    _credentials.Add(item.Jti, (index, (ulong)i));
                }
                break;
            default:
                break;
        }
    }
}
