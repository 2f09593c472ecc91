using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>
/// The registry's signed word that a checkpoint will cover an entry, which it gives until one does. Worth keeping: broken, it is proof of misbehaviour.
/// docs/formats.md, "Promise".
/// </summary>
public sealed class RecordingPromise
{
    private readonly LeafIndex _index;
    private readonly Hash _leafHash;
    private readonly Hash[] _path;

    internal RecordingPromise(ulong index, Hash leafHash, Protocol.V1.SignedPromise promise)
    {
        (_index, _leafHash, Note) = (new LeafIndex(index), leafHash, promise.Note);
        _path = promise.Path.All(hash => hash.Length == Hash.Size) ? [.. promise.Path.Select(hash => Hash.Read(hash.Span))] : [];
    }

    /// <summary>The signed note.</summary>
    public string Note { get; }

    /// <summary>Leads from the entry's leaf hash to the root in the note.</summary>
    public IReadOnlyList<Hash> Path => _path;

    /// <summary>Until when a checkpoint must cover the entry; null when the log's key has not signed this promise, or it is not about the entry.</summary>
    public DateTimeOffset? DueBy(NoteVerifierKey logKey) =>
        Promise.TryOpen(Encoding.UTF8.GetBytes(Note), logKey, out var promise) && promise.Covers(_index, in _leafHash, _path)
            ? DateTimeOffset.FromUnixTimeMilliseconds(promise.IntegrateBy)
            : null;
}
