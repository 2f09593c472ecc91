using System.Collections.Concurrent;
using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>The log as the public may see it: what the last published checkpoint covers, and nothing beyond. For all threads.</summary>
public sealed class PublishedLog(RegistryState state, ILedgerStore store, CheckpointPublisher publisher)
{
    private readonly TileCache _cache = new();
    private readonly ConcurrentDictionary<string, SignedTree> _former = new();
    private volatile SignedTree? _newest;

    /// <summary>The tree under the last published checkpoint, or null before the first.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    public SignedTree? Newest
    {
        get
        {
            if (publisher.Last is not { } last)
                return null;
            var newest = _newest;
            // Two who come at once both read the edge, to the same effect.
            if (newest?.Checkpoint != last)
                _newest = newest = new SignedTree(store, last, _cache);
            return newest;
        }
    }

    /// <summary>The tree under a checkpoint that the log's key has signed, shown or not.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    internal SignedTree Under(StoredCheckpoint checkpoint) => Newest is { } newest && (newest.Checkpoint.Size, newest.Checkpoint.Root) == (checkpoint.Size, checkpoint.Root) ? newest : new SignedTree(store, checkpoint, _cache);

    /// <summary>The last checkpoint of a log of this registry, by its number from 1: the newest, or the one that it was succeeded at. Null before its first.</summary>
    public string? CheckpointOf(int number)
    {
        if (number > state.Logs.Count)
            return null;
        var log = state.Logs[number - 1];
        // Until a successor has signed, the newest checkpoint is that of the log before.
        return log.LastCheckpoint ?? (publisher.Last is { } last && last.Note.StartsWith(log.Origin + "\n", StringComparison.Ordinal) ? last.Note : null);
    }

    /// <summary>The tree that a log of this registry has signed last, by its number from 1: the newest, or the one that it was succeeded at. Null before its first checkpoint.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    public SignedTree? Of(int number)
    {
        if (CheckpointOf(number) is not { } note)
            return null;
        var log = state.Logs[number - 1];
        return log.LastCheckpoint is null ? Newest : _former.GetOrAdd(note, _ => new SignedTree(store, Former(log, note), _cache));
    }

    private static StoredCheckpoint Former(LogRecord log, string note) => Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), log.Verifier, out var last, out var refusal)
        ? new StoredCheckpoint(last.Size, last.Root, note)
        : throw new LedgerDamagedException($"The last checkpoint of {log.Origin} is not signed by its key ({refusal}).");
}
