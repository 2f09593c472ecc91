using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>One link from a log to its successor, with all that a caller needs to follow it. docs/formats.md, "Succession note".</summary>
/// <param name="Note">The last word of the log before.</param>
/// <param name="Path">Consistency path from its checkpoint to the newest.</param>
/// <param name="Leaf">The leaf of the entry that opened the next log, and its path to the newest.</param>
/// <param name="Entry">That entry.</param>
/// <param name="Salt">What opens the leaf with it.</param>
public sealed record SuccessionProof(string Note, Hash[] Path, LeafProof Leaf, byte[] Entry, Hash Salt);

/// <summary>Leads callers who remember a checkpoint of a log that was succeeded to the one that signs now.</summary>
internal sealed class SuccessionReader(RegistryState state, ILedgerStore store)
{
    /// <summary>Reads a checkpoint that the key of a former log of this registry has signed.</summary>
    public bool TryOpenFormer(string note, [NotNullWhen(true)] out LogRecord? former, [NotNullWhen(true)] out Checkpoint? seen)
    {
        foreach (var log in state.Logs.SkipLast(1))
        {
            if (Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), log.Verifier, out seen, out _))
            {
                former = log;
                return true;
            }
        }
        (former, seen) = (null, null);
        return false;
    }

    /// <summary>The links from a log, or from the earliest that can be followed, to the one that signs now. None when one is missing.</summary>
    public IReadOnlyList<SuccessionProof> Read(LogRecord? from, SignedTree newest)
    {
        var logs = state.Logs;
        var earliest = logs.Count - 1;
        // Until the successor has signed there is nothing to lead to.
        while (earliest > 0 && logs[earliest - 1].Succession is not null && newest.Checkpoint.Size.Contains(logs[earliest].From))
            earliest--;
        var first = from is null ? earliest : logs.TakeWhile(log => log != from).Count();
        return first < earliest ? [] : [.. Enumerable.Range(first, logs.Count - 1 - first).Select(number => Prove(logs[number], logs[number + 1], newest))];
    }

    /// <summary>What a caller can do whose checkpoint of a former log is of no tree that goes on here.</summary>
    public string Describe(LogRecord former) => $"{former.Origin} was succeeded by {state.Log.Origin}, whose tree does not hold what that checkpoint covers: "
        + "entries were lost and the log was recovered, or its old key was stolen. Ask the operators of the registry, and only then take the successor's key and forget the checkpoint.";

    private SuccessionProof Prove(LogRecord before, LogRecord next, SignedTree newest)
    {
        var last = before.Succession!.Last;
        var path = ConsistencyProof.Build(last.Size, newest.Checkpoint.Size, newest.Node);
        if (!ConsistencyProof.Verify(last.Size, newest.Checkpoint.Size, last.Root, newest.Checkpoint.Root, path))
            throw new LedgerDamagedException($"The stored tree of size {newest.Checkpoint.Size} does not go on from the last checkpoint of {before.Origin}.");
        var row = store.Read(next.From, 1)[0];
        var leaf = ProofReader.Prove(store, newest, next.From);
        return new SuccessionProof(before.LastCheckpoint!, path, leaf, row.Entry, Reading.Reading.Genuine(row).Salt);
    }
}
