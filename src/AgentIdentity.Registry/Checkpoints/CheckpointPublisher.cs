using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>Grows the tree entry by entry, and signs what it has become. Owned by the writer; the last checkpoint is read by all.</summary>
/// <remarks>Size, root, signature and tiles are durable before anybody sees the checkpoint, so that a crash cannot make us sign two histories.</remarks>
public sealed class CheckpointPublisher
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ILedgerStore _store;
    private readonly NoteSignerKey _logKey;
    private readonly TileWriter _tree;

    // What changed since the last checkpoint that could be stored; more than one interval's worth after a full disk.
    private readonly Dictionary<TileId, StoredTile> _unstored = [];
    private DateTimeOffset _lastPublishedAt;
    private volatile StoredCheckpoint? _signed;
    private volatile StoredCheckpoint? _last;
    private volatile bool _isHeld;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Restores the tree as it was last signed. Entries behind it are appended by whoever replays them.</summary>
    /// <param name="store">Where checkpoints and tiles are.</param>
    /// <param name="logKey">Signs what is published.</param>
    /// <param name="before">The log that was succeeded by this one, if any: until this one has signed, the last checkpoint is that one's.</param>
    /// <exception cref="LedgerDamagedException">The stored tiles do not have the root that was signed, or the signature is not ours.</exception>
    public CheckpointPublisher(ILedgerStore store, NoteSignerKey logKey, LogRecord? before = null)
    {
        _store = store;
        _logKey = logKey;
        _last = _signed = store.LastCheckpoint;
        _tree = _signed is null ? new TileWriter() : Restore(_signed, before);
    }

    /// <summary>What everybody sees.</summary>
    public StoredCheckpoint? Last => _last;

    /// <summary>What the key has signed last: what everybody sees, or will see when its witnesses have answered.</summary>
    internal StoredCheckpoint? Signed => _signed;

    /// <summary>Takes what was signed, and shows it in its time; null: it is shown at once.</summary>
    internal Action<StoredCheckpoint>? BeforeShown { get; set; }

    /// <summary>While it is, nothing is signed: somebody may know of a larger tree.</summary>
    internal bool IsHeld
    {
        get => _isHeld;
        set => _isHeld = value;
    }

    /// <summary>The C2SP vkey line of the log.</summary>
    public string LogKey => _logKey.Verifier.ToString();

    /// <summary>The log's key, for what else it vouches for.</summary>
    internal NoteSignerKey Signer => _logKey;

    internal NoteVerifierKey Verifier => _logKey.Verifier;

    internal TreeSize Size => _tree.Size;

    /// <summary>Ends when a checkpoint covers the entry.</summary>
    public async Task WhenCoversAsync(LeafIndex index, CancellationToken cancellation)
    {
        while (true)
        {
            // Taken before the look, so that a checkpoint between the look and the wait is not missed.
            var grown = Volatile.Read(ref _grown).Task;
            if (_last is { } last && last.Size.Contains(index))
                return;
            await grown.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    internal void Append(in Hash leafHash) => _tree.Append(in leafHash);

    internal TimeSpan UntilDue(DateTimeOffset now)
    {
        if (!HasGrown)
            return Interval;
        var since = now - _lastPublishedAt;
        // A clock that went back must not stop the checkpoints.
        return since < TimeSpan.Zero ? TimeSpan.Zero : Interval - since;
    }

    internal bool HasGrown => !IsHeld && _tree.Size != (_signed?.Size ?? default);

    /// <summary>Waits another interval, because there was no room.</summary>
    internal void Postpone(DateTimeOffset now) => _lastPublishedAt = now;

    /// <summary>What is promised of entries that are durable and not under a checkpoint yet.</summary>
    internal GroupPromise Promise(LeafIndex first, Hash[] leafHashes, long sequencedAt) => new(first, leafHashes, sequencedAt, _logKey);

    internal bool PublishNow(DateTimeOffset now)
    {
        var expected = _signed?.Size ?? default;
        var checkpoint = new Checkpoint(_logKey.Verifier.Name, _tree.Size, _tree.Root());
        var stored = new StoredCheckpoint(checkpoint.Size, checkpoint.Root, Encoding.UTF8.GetString(checkpoint.Sign(_logKey).ToArray()));
        foreach (var tile in _tree.TakeChanged())
            _unstored[tile.Id] = new StoredTile(tile.Id.Level, tile.Id.Index, tile.Bytes.ToArray());
        _lastPublishedAt = now;
        if (!TryStore(expected, stored))
            return false;
        _unstored.Clear();
        _signed = stored;
        if (BeforeShown is { } show)
            show(stored);
        else
            Show(stored);
        return true;
    }

    /// <summary>From now on everybody sees this. Never called with a smaller tree than the last one's.</summary>
    internal void Show(StoredCheckpoint checkpoint)
    {
        _last = checkpoint;
        Interlocked.Exchange(ref _grown, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    // A full disk only delays the checkpoint.
    private bool TryStore(TreeSize expected, StoredCheckpoint next)
    {
        try
        {
            return _store.TryPublish(expected, next, [.. _unstored.Values])
                ? true
                : throw new LedgerDamagedException("Another process has published a checkpoint of this log.");
        }
        catch (StoreFullException)
        {
            return false;
        }
    }

    private TileWriter Restore(StoredCheckpoint signed, LogRecord? before)
    {
        var isOurs = Checkpoint.TryOpen(Encoding.UTF8.GetBytes(signed.Note), _logKey.Verifier, out var checkpoint, out _) && (checkpoint.Size, checkpoint.Root) == (signed.Size, signed.Root);
        if (!isOurs && before?.EndsWith(signed) != true)
            throw new LedgerDamagedException("The stored checkpoint is not signed by this registry's log key.");
        var tree = TileWriter.Restore(signed.Size, tile => _store.ReadTile(tile.Level, tile.Index) ?? throw new LedgerDamagedException($"The tile {Tile.Path(tile)} is missing."));
        return tree.Root() == signed.Root ? tree : throw new LedgerDamagedException("The stored tree does not have the root that was signed.");
    }
}
