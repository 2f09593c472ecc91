using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Entry = AgentIdentity.Credentials.Entries.Entry;
using IssuanceItem = AgentIdentity.Credentials.Entries.IssuanceItem;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Cli.Trails;

/// <summary>
/// Reads an agent's trail in order and believes nothing that it can compute: entries open their leaves, issuance items lead to their roots,
/// statements are signed by the agent's key and follow each other without gap. (Docs: formats.md, "Entry", "Leaf", "Signed statement".)
/// </summary>
internal sealed class TrailCheck(SubjectId agent, ulong firstSequence)
{
    private readonly bool _isWhole = firstSequence == 0;
    private ulong _nextSequence = firstSequence;
    private ulong? _lastIndex;
    private PublicKey? _key;
    private Hash? _lastStatement;
    private ulong _nextStatement;

    public TrailLine Read(TrailEntry received)
    {
        var problems = new List<string>();
        CheckOrder(received, problems);
        if (!Entry.TryDecode(received.Entry.Memory, out var entry))
        {
            problems.Add("the entry's bytes are not a known entry");
            return new TrailLine(received.LedgerIndex, received.SubjectSequence, null, [], problems);
        }
        CheckLeaf(received, entry, problems);
        CheckSubject(received, entry, problems);
        CheckBody(entry.Body, problems);
        return new TrailLine(received.LedgerIndex, received.SubjectSequence, entry, ReadItems(received, entry.Body, problems), problems);
    }

    private void CheckOrder(TrailEntry received, List<string> problems)
    {
        if (received.SubjectSequence != _nextSequence)
            problems.Add($"entry {_nextSequence} about the agent was expected");
        if (_lastIndex is { } last && received.LedgerIndex <= last)
            problems.Add("the ledger index does not ascend");
        _nextSequence = received.SubjectSequence + 1;
        _lastIndex = received.LedgerIndex;
    }

    private static void CheckLeaf(TrailEntry received, Entry entry, List<string> problems)
    {
        if (received.Salt.Length != Leaf.SaltSize || !Leaf.TryDecode(received.Leaf.Span, out var leaf))
            problems.Add("the leaf or its salt has no known form");
        else if (leaf.Commitment != Leaf.Commit(received.Salt.Span, entry.Encode()))
            problems.Add("the leaf commits to another entry");
        else if (leaf.Class != (byte)entry.Body.Class || leaf.Nullifiers.Length != entry.Subjects.Count)
            problems.Add("the leaf shows another class or another number of subjects than the entry");
    }

    private void CheckSubject(TrailEntry received, Entry entry, List<string> problems)
    {
        if (!entry.Subjects.Any(subject => subject.Id == agent && subject.Sequence == received.SubjectSequence))
            problems.Add("the entry is not about this agent at this place");
    }

    private void CheckBody(EntryBody body, List<string> problems)
    {
        if (body is AgentEnrolled enrolled)
            _key = enrolled.Key;
        if (body is Activity activity)
            CheckStatement(activity, problems);
    }

    // A trail that was asked for from its middle has neither the key nor the statement before: then only what it shows itself is compared.
    private void CheckStatement(Activity activity, List<string> problems)
    {
        if (!SignedStatement.TryRead(activity.Statement, out var statement) || statement.AgentId != agent)
        {
            problems.Add("the statement is not one of this agent");
            return;
        }
        if (_key is not null && (_key.KeyId != statement.KeyId || !_key.Verifies(activity.Statement, activity.Signature)))
            problems.Add("the statement is not signed by the agent's key");
        var isFirst = _isWhole && _lastStatement is null;
        if (isFirst ? statement.Sequence != 0 : _lastStatement is { } last && (statement.Previous != last || statement.Sequence != _nextStatement))
            problems.Add($"statement {_nextStatement} was expected, naming the one before it");
        _lastStatement = statement.Identity;
        _nextStatement = statement.Sequence + 1;
    }

    private List<IssuanceItem> ReadItems(TrailEntry received, EntryBody body, List<string> problems)
    {
        var items = new List<IssuanceItem>();
        if (body is not CredentialsIssued issued)
            return items;
        foreach (var shown in received.Items)
        {
            if (!IssuanceItem.TryDecode(shown.Item.Memory, out var item) || item.AgentId != agent)
                problems.Add("an issuance item is not one of this agent");
            else if (!LeadsToRoot(shown, issued))
                problems.Add($"the credential {item.Jti} does not stand under the entry's root");
            else
                items.Add(item);
        }
        if (received.Items.Count == 0)
            problems.Add("the entry names no credential of this agent");
        return items;
    }

    private static bool LeadsToRoot(Protocol.V1.IssuanceItem received, CredentialsIssued issued)
    {
        if (received.Path.Any(hash => hash.Length != Hash.Size))
            return false;
        var path = received.Path.Select(hash => Hash.Read(hash.Span)).ToArray();
        return InclusionProof.Verify(
            new LeafIndex(received.LedgerPosition), new TreeSize(issued.Count), MerkleHash.Leaf(received.Item.Span), path, issued.Root);
    }
}
