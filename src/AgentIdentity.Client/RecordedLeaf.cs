using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using EntryClass = AgentIdentity.Protocol.V1.EntryClass;

namespace AgentIdentity.Client;

/// <summary>Computes from a statement the leaf that the registry says it stands in: without that, promise and receipt could be about anything.</summary>
internal static class RecordedLeaf
{
    /// <summary>True when leaf and salt commit to the statement; false when the registry gave no salt, since the activity was erased.</summary>
    /// <exception cref="InvalidDataException">They commit to something else.</exception>
    public static bool Commits(RecordResponse answer, SignedStatement statement, RecordRequest request)
    {
        if (answer.Salt.IsEmpty)
            return false;
        var activity = new Activity(request.Statement.ToByteArray(), (KeyAlgorithm)request.Algorithm, request.Signature.ToByteArray(), answer.EntryClass == EntryClass.Quarantined);
        var entry = new Entry(answer.RecordedAt, [new EntrySubject(statement.AgentId, answer.SubjectSequence)], statement.AgentId, activity);
        var isCommitted = Leaf.TryDecode(answer.Leaf.Span, out var leaf) && answer.Salt.Length == Leaf.SaltSize && leaf.Commitment == Leaf.Commit(answer.Salt.Span, entry.Encode());
        return isCommitted && answer.LeafHash.Span.SequenceEqual(MerkleHash.Leaf(answer.Leaf.Span).ToArray())
            ? true
            : throw new InvalidDataException($"The registry says that statement {statement.Sequence} is entry {answer.LedgerIndex}, and shows the leaf of something else.");
    }
}
