using System.Diagnostics.CodeAnalysis;
using System.Formats.Cbor;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Anchors;

/// <summary>An anchor beside a checkpoint, and not checked yet: in a trail file, in a certificate, or with a receipt. Format: docs/formats.md, "Anchor".</summary>
/// <param name="Note">A signed note.</param>
/// <param name="Path">The consistency proof from the anchored tree to that of the checkpoint, n × 32 bytes.</param>
public sealed record ShownAnchor(string Note, ReadOnlyMemory<byte> Path)
{
    internal const int Length = 3;

    /// <summary>Reads what goes with a receipt; false, with the reason, for anything that is not exactly of the form.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out ShownAnchor? shown, out string problem)
    {
        var items = new TrailItemReader(bytes);
        try
        {
            items.Begin();
            items.Require(TrailItemKind.Anchor);
            (shown, problem) = (items.Ended(Read(items.Cbor)), "");
            return items.Cbor.BytesRemaining == 0 ? true : throw new FormatException("something stands behind it");
        }
        catch (Exception refused) when (TrailItemReader.IsRefusal(refused))
        {
            (shown, problem) = (null, items.Problem(refused));
            return false;
        }
    }

    /// <summary>As it goes with a receipt.</summary>
    public byte[] ToBytes() => new TrailItemWriter().Anchor(this);

    /// <summary>Holds it against a checkpoint: null when they do not agree.</summary>
    /// <param name="checkpoint">The tree that it is shown with.</param>
    /// <param name="logKey">Who has signed that.</param>
    /// <param name="problem">What does not hold, in words.</param>
    public AnchorNote? Check(Checkpoint checkpoint, NoteVerifierKey logKey, out string problem)
    {
        problem = "";
        if (!AnchorNote.TryOpen(Note, logKey, out var anchor))
            problem = "it is not one that the log's key has signed";
        else if (anchor.Size.Value == 0 || anchor.Size.Value > checkpoint.Size.Value)
            problem = $"it is of {anchor.Size} entries, and the checkpoint is of {checkpoint.Size}";
        else if (!ConsistencyProof.Verify(anchor.Size, checkpoint.Size, anchor.Root, checkpoint.Root, Hash.ReadMany(Path.Span)))
            problem = $"the tree of {anchor.Size} that was anchored is not the beginning of the one that is signed: the chain holds another history";
        return problem.Length == 0 ? anchor : null;
    }

    internal static ShownAnchor Read(CborReader cbor) => new(cbor.ReadTextString(), TrailItemReader.ReadPath(cbor));

    internal void Write(CborWriter cbor)
    {
        cbor.WriteTextString(Note);
        cbor.WriteByteString(Path.Span);
    }
}
