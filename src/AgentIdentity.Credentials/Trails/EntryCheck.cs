using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>What entries about an agent are held against. What is null is not known, and what rests on it not checked.</summary>
/// <param name="Agent">Whom they are about.</param>
/// <param name="Keys">The keys that the agent has had, each from its entry on.</param>
/// <param name="Label">The agent's label.</param>
/// <param name="Checkpoint">The signed tree.</param>
public sealed record EntryExpectation(SubjectId Agent, KeyHistory? Keys, Hash? Label, Checkpoint? Checkpoint);

/// <summary>One entry about an agent, checked as far as it can be by itself; what depends on its neighbours is found by <see cref="TrailWalk"/>.</summary>
public sealed class EntryCheck
{
    private readonly List<TrailProblem> _problems = [];
    private readonly List<IssuanceItem> _credentials = [];

    private EntryCheck(AgentEntry shown)
    {
        Shown = shown;
        LeafHash = MerkleHash.Leaf(shown.Leaf.Span);
    }

    /// <summary>As it was shown.</summary>
    public AgentEntry Shown { get; }

    /// <summary>Its number among the entries about the agent, as it is shown.</summary>
    public ulong Sequence => Shown.Sequence;

    /// <summary>The leaf's hash in the tree.</summary>
    public Hash LeafHash { get; }

    /// <summary>The class in the leaf; 0 when that cannot be read.</summary>
    public EntryClass Class { get; private set; }

    /// <summary>What the entry says; null when it stays closed or cannot be read.</summary>
    public Entry? Entry { get; private set; }

    /// <summary>The statement of an activity or of a fork.</summary>
    public SignedStatement? Statement { get; private set; }

    /// <summary>What stays of an activity that was erased.</summary>
    public ErasedStub? Erased { get; private set; }

    /// <summary>The activity's place in the chain of its key; null for another entry, and for an activity that stays closed.</summary>
    internal ChainLink? Link => Erased is { } stub
        ? new ChainLink(stub.KeyId, stub.Sequence, stub.Previous, stub.Identity)
        : Entry?.Body is Activity && Statement is { } said ? new ChainLink(said.KeyId, said.Sequence, said.Previous, said.Identity) : null;

    /// <summary>Whether the statement that a fork names is shown before it, so that the two could be compared. Set by the walk.</summary>
    internal bool IsHeldShown { get; set; } = true;

    /// <summary>Credentials in an issuance that are the agent's; there may be others of it that were not shown.</summary>
    public IReadOnlyList<IssuanceItem> Credentials => _credentials;

    /// <summary>What does not hold.</summary>
    public IReadOnlyList<TrailProblem> Problems => _problems;

    /// <summary>Checks an entry. Never throws, whatever is shown.</summary>
    public static EntryCheck Of(AgentEntry shown, EntryExpectation expected)
    {
        var check = new EntryCheck(shown);
        if (!Leaf.TryDecode(shown.Leaf.Span, out var leaf))
        {
            check.Add(TrailProperty.Openings, "the leaf has no known form");
            return check;
        }
        check.Class = (EntryClass)leaf.Class;
        check.CheckNullifier(leaf, expected);
        if (shown.Opened is { } opened)
            check.CheckOpened(leaf, opened, expected);
        else if (shown.Erased is { } erased)
            check.CheckErased(leaf, erased, expected);
        else if (check.Class is not (EntryClass.Activity or EntryClass.Quarantined) || leaf.Nullifiers.Length != 1)
            check.Add(TrailProperty.Openings, "an entry stays closed that is no activity, as its class or its number of subjects shows");
        return check;
    }

    internal void Add(TrailProperty property, string words) =>
        _problems.Add(new TrailProblem(property, words));

    private void CheckNullifier(Leaf leaf, EntryExpectation expected)
    {
        if (expected.Label is { } label && !leaf.Nullifiers.Contains(Leaf.Nullifier(label.ToArray(), Sequence)))
            Add(TrailProperty.Label, "the leaf does not show the nullifier of the agent's label at this number");
    }

    private void CheckOpened(Leaf leaf, OpenedEntry opened, EntryExpectation expected)
    {
        CheckTree(opened.Path, opened.Index, expected);
        Entry = Open(opened, leaf, _problems);
        if (Entry is null)
            return;
        var subject = Entry.Subjects.FirstOrDefault(subject => subject.Id == expected.Agent);
        if (subject is null || subject.Sequence != Sequence)
            Add(TrailProperty.Sequence, "the entry is not about this agent at this number");
        else if (subject.LabelCommitment is { } commitment && expected.Label is { } label && SubjectLabel.Commit(label) != commitment)
            Add(TrailProperty.Label, "the agent's first entry commits to another label");
        CheckBody(Entry.Body, expected);
    }

    private void CheckErased(Leaf leaf, ErasedEntry erased, EntryExpectation expected)
    {
        CheckTree(erased.Path, erased.Index, expected);
        if (!ErasedStub.TryDecode(erased.Stub, out var stub))
        {
            Add(TrailProperty.Erasures, "what stays of it is no stub");
            return;
        }
        if (stub.AgentId != expected.Agent || stub.SubjectSequence != Sequence || (expected.Keys is { } keys && stub.KeyId != keys.InForceAt(erased.Index).KeyId))
            Add(TrailProperty.Erasures, "the stub is not one of this agent at this number");
        if (stub.Class != Class || leaf.Nullifiers.Length != 1)
            Add(TrailProperty.Erasures, "the leaf is not that of the activity which the stub says was erased");
        Erased = stub;
    }

    private void CheckTree(ReadOnlyMemory<byte> path, LeafIndex index, EntryExpectation expected)
    {
        if (expected.Checkpoint is { } signed && !Leads(path, index, signed.Size, LeafHash, signed.Root))
            Add(TrailProperty.Tree, "the leaf does not lead to the root of the checkpoint");
    }

    /// <summary>An entry whomever it is about: under the root, and opened.</summary>
    internal static Entry? Open(OpenedEntry shown, Checkpoint checkpoint, List<TrailProblem> problems)
    {
        if (!Leaf.TryDecode(shown.Leaf.Span, out var leaf))
        {
            problems.Add(new TrailProblem(TrailProperty.Openings, "the leaf has no known form"));
            return null;
        }
        if (!Leads(shown.Path, shown.Index, checkpoint.Size, MerkleHash.Leaf(shown.Leaf.Span), checkpoint.Root))
            problems.Add(new TrailProblem(TrailProperty.Tree, "the leaf does not lead to the root of the checkpoint"));
        return Open(shown, leaf, problems);
    }

    /// <summary>The entry when it opens the leaf.</summary>
    private static Entry? Open(OpenedEntry opened, Leaf leaf, List<TrailProblem> problems)
    {
        if (leaf.Commitment != Leaf.Commit(opened.Salt.ToArray(), opened.Entry.Span))
            problems.Add(new TrailProblem(TrailProperty.Openings, "the leaf commits to another entry"));
        if (!Entry.TryDecode(opened.Entry, out var entry))
        {
            problems.Add(new TrailProblem(TrailProperty.Openings, "the entry's bytes are not a known entry"));
            return null;
        }
        if (leaf.Class != (byte)entry.Body.Class || leaf.Nullifiers.Length != entry.Subjects.Count)
            problems.Add(new TrailProblem(TrailProperty.Openings, "the leaf shows another class or another number of subjects than the entry"));
        return entry;
    }

    /// <summary>Whether the path leads from the leaf to the root; false for bytes that are no path.</summary>
    internal static bool Leads(ReadOnlyMemory<byte> path, LeafIndex index, TreeSize size, in Hash leafHash, in Hash root) =>
        path.Length % Hash.Size == 0 && InclusionProof.Verify(index, size, leafHash, Hash.ReadMany(path.Span), root);

    private void CheckBody(EntryBody body, EntryExpectation expected)
    {
        if (body is not CredentialsIssued && Shown.Items.Count > 0)
            Add(TrailProperty.Credentials, "credentials are shown in an entry that issues none");
        switch (body)
        {
            case Activity activity:
                Statement = Read(TrailProperty.Statements, activity.Statement, activity.Algorithm, activity.Signature, expected, keyId => KeyHere(expected)?.KeyId == keyId ? KeyHere(expected) : null);
                break;
            case Fork fork:
                // Of a key that has ended as well: it may have signed the second statement at any time.
                Statement = Read(TrailProperty.Forks, fork.Statement, fork.Algorithm, fork.Signature, expected, keyId => expected.Keys?.Find(keyId));
                break;
            case Stop stop when !MayBeAbout(stop.Scope, expected):
                Add(TrailProperty.Stops, "the stop names another scope than this agent, a key or a credential of it");
                break;
            case Delegated delegated when delegated.Parent != expected.Agent && delegated.Child != expected.Agent:
                Add(TrailProperty.Credentials, "the delegation is between other agents");
                break;
            case CredentialsIssued issued:
                CheckItems(issued, expected);
                break;
        }
    }

    private PublicKey? KeyHere(EntryExpectation expected) => expected.Keys?.InForceAt(Shown.Index!.Value);

    private static bool MayBeAbout(Scope scope, EntryExpectation expected) => scope.Kind switch
    {
        ScopeKind.Agent or ScopeKind.AgentWithDelegates => scope.Id == expected.Agent,
        ScopeKind.Key => expected.Keys is null || expected.Keys.Find(scope.KeyId) is not null,
        ScopeKind.Credential => true,
        _ => false,
    };

    private SignedStatement? Read(TrailProperty property, byte[] bytes, KeyAlgorithm algorithm, byte[] signature, EntryExpectation expected, Func<KeyId, PublicKey?> find)
    {
        if (!SignedStatement.TryRead(bytes, out var statement) || statement.AgentId != expected.Agent
            || (expected.Checkpoint is { } signed && !LogOrigin.IsAtOrBefore(statement.Origin, signed.Origin)))
        {
            Add(property, "the statement is not one of this agent for this log");
            return null;
        }
        if (expected.Keys is not null && (find(statement.KeyId) is not { } key || key.Algorithm != algorithm || !key.Verifies(bytes, signature)))
            Add(property, "the statement is not signed by the agent's key");
        return statement;
    }

    private void CheckItems(CredentialsIssued issued, EntryExpectation expected)
    {
        if (Shown.Items.Count == 0)
            Add(TrailProperty.Credentials, "the entry names no credential of this agent");
        uint next = 0;
        foreach (var shown in Shown.Items)
        {
            if (shown.Position < next)
                Add(TrailProperty.Credentials, "the credentials do not stand in their order");
            next = shown.Position + 1;
            CheckItem(shown, issued, expected);
        }
    }

    private void CheckItem(OwnItem shown, CredentialsIssued issued, EntryExpectation expected)
    {
        if (!IssuanceItem.TryDecode(shown.Item, out var item) || item.AgentId != expected.Agent)
            Add(TrailProperty.Credentials, "an issuance item is not one of this agent");
        else if (KeyHere(expected) is { } key && item.Jkt != key.KeyId)
            Add(TrailProperty.Credentials, $"the credential {item.Jti} is bound to another key than the agent's");
        else if (!Leads(shown.Path, new LeafIndex(shown.Position), new TreeSize(issued.Count), MerkleHash.Leaf(shown.Item.Span), issued.Root))
            Add(TrailProperty.Credentials, $"the credential {item.Jti} does not stand under the entry's root");
        else
            _credentials.Add(item);
    }
}

/// <summary>A place in a chain of statements: which key's, the number, what it names and what names it.</summary>
internal sealed record ChainLink(KeyId KeyId, ulong Sequence, Hash Previous, Hash Identity);
