using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>How a checkpoint that somebody has seen stands to a ledger.</summary>
public enum SeenVerdict
{
    /// <summary>The ledger holds all of it.</summary>
    Held,

    /// <summary>It covers more entries than the ledger's own newest one.</summary>
    Larger,

    /// <summary>It is signed by the log's key over a tree that is no beginning of the ledger's.</summary>
    Contradicts,

    /// <summary>It is no checkpoint, or not signed by a key of this ledger's log.</summary>
    Foreign,
}

/// <summary>A ledger that was read and checked as a start does, and that nobody serves: for backups, restores and recoveries.</summary>
public sealed class RestingLedger
{
    private readonly ILedgerStore _store;

    private RestingLedger(ILedgerStore store, RegistryState state, StoredCheckpoint signed)
    {
        _store = store;
        State = state;
        Signed = signed;
    }

    public RegistryState State { get; }

    /// <summary>The newest checkpoint, whose signature and root were checked.</summary>
    public StoredCheckpoint Signed { get; }

    /// <exception cref="LedgerDamagedException">What is stored contradicts itself or what was signed.</exception>
    /// <exception cref="StoreRefusedException">Nothing was signed yet, so that there is nothing to keep or to recover.</exception>
    public static RestingLedger Read(ILedgerStore store, ISnapshotStore snapshots, Action<string> log)
    {
        if (store.LastCheckpoint is not { } signed)
            throw new StoreRefusedException("This registry has signed no checkpoint yet: found it first.");
        try
        {
            var ledger = new RestingLedger(store, Start.Load(store, snapshots, log, out _), signed);
            ledger.RequireSound();
            return ledger;
        }
        catch (InvalidDataException damaged)
        {
            throw new LedgerDamagedException($"The stored tree cannot be read: {damaged.Message}");
        }
    }

    /// <summary>Compares a signed note that a client, a mirror or a witness kept.</summary>
    public SeenVerdict Compare(ReadOnlySpan<byte> note, out Checkpoint? seen)
    {
        seen = null;
        foreach (var log in State.Logs)
        {
            if (!Checkpoint.TryOpen(note, log.Verifier, out seen, out _))
                continue;
            if (seen.Size.Value > Signed.Size.Value)
                return SeenVerdict.Larger;
            return MerkleHash.Root(seen.Size, Nodes().Read) == seen.Root ? SeenVerdict.Held : SeenVerdict.Contradicts;
        }
        return SeenVerdict.Foreign;
    }

    private void RequireSound()
    {
        if (Compare(Encoding.UTF8.GetBytes(Signed.Note), out var checkpoint) != SeenVerdict.Held || checkpoint!.Size != Signed.Size || checkpoint.Root != Signed.Root)
            throw new LedgerDamagedException("The stored checkpoint is not signed by this registry's log key, or the stored tiles do not have its root.");
    }

    private TileNodeReader Nodes() => new(tile => _store.ReadTile(tile.Level, tile.Index) ?? throw new LedgerDamagedException($"The tile {Tile.Path(tile)} is missing."));
}
