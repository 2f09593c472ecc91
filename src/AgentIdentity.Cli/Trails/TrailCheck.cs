using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using Google.Protobuf;
using Entry = AgentIdentity.Credentials.Entries.Entry;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Trails;

/// <summary>Checks a trail that comes in pages as a trail file is checked, but for what only a file shows: the tree, the label and the heads.</summary>
internal sealed class TrailCheck(SubjectId agent, ulong firstSequence)
{
    private readonly TrailWalk _walk = new(firstSequence);
    private KeyHistory? _keys;

    public TrailLine Read(Wire.TrailEntry received)
    {
        var shown = Shown(received);
        // A trail that was asked for from its middle does not name the first key.
        if (Entry.TryDecode(received.Entry.Memory, out var entry))
            _keys = RotationChecks.Then(_keys, new LeafIndex(received.LedgerIndex), entry.Body);
        var check = EntryCheck.Of(shown, new EntryExpectation(agent, _keys, Label: null, Checkpoint: null));
        _walk.Take(check);
        return new TrailLine(received.LedgerIndex, check);
    }

    private static AgentEntry Shown(Wire.TrailEntry received)
    {
        if (!received.ErasedStub.IsEmpty)
        {
            var erased = new ErasedEntry(new LeafIndex(received.LedgerIndex), ReadOnlyMemory<byte>.Empty, received.ErasedStub.Memory);
            return new AgentEntry(received.SubjectSequence, received.Leaf.Memory, null, []) { Erased = erased };
        }
        // A salt of another length opens nothing, and neither does this one.
        var salt = received.Salt.Length == Hash.Size ? Hash.Read(received.Salt.Span) : default;
        var opened = new OpenedEntry(new LeafIndex(received.LedgerIndex), received.Leaf.Memory, ReadOnlyMemory<byte>.Empty, received.Entry.Memory, salt);
        return new AgentEntry(received.SubjectSequence, received.Leaf.Memory, opened, [.. received.Items.Select(Shown)]);
    }

    private static OwnItem Shown(Wire.IssuanceItem received) => new((uint)received.LedgerPosition, received.Item.Memory, ByteString.CopyFrom([.. received.Path.SelectMany(hash => hash)]).Memory);
}
