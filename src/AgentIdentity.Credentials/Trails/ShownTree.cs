using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>The tree that a file is under, and what the file shows of it: for who wants to know whether two people were shown the same log.</summary>
/// <param name="Checkpoint">What was signed.</param>
/// <param name="Note">The signed note.</param>
/// <param name="Known">What the leaves of the file lead to.</param>
public sealed record ShownTree(Checkpoint Checkpoint, string Note, KnownTree Known)
{
    /// <summary>Reads a trail file, a containment certificate, or a checkpoint alone.</summary>
    /// <param name="file">The bytes.</param>
    /// <param name="policy">Whose signature makes a checkpoint; null takes the file's own word for its key, which a bare checkpoint does not have.</param>
    /// <param name="tree">The tree.</param>
    /// <param name="problem">Why there is none, in words.</param>
    public static bool TryRead(ReadOnlyMemory<byte> file, TlogPolicy? policy, [NotNullWhen(true)] out ShownTree? tree, out string problem)
    {
        tree = null;
        if (CertificateFile.Begins(file.Span))
            return CertificateFile.TryRead(file, out var certificate, out problem)
                && TryOpen(certificate.Header.LogKey, certificate.Header.Checkpoint, [.. certificate.Entries.Select(entry => entry.Opened)], [], policy, out tree, out problem);
        if (SignedNote.TryParse(file.Span, out _, out _))
            return TryOpen("", Encoding.UTF8.GetString(file.Span), [], [], policy, out tree, out problem);
        return TrailFile.TryRead(file, out var trail, out problem)
            && TryOpen(trail.Header.LogKey, trail.Header.Checkpoint, [.. trail.RegistryEntries, .. trail.Entries.Select(entry => entry.Opened).OfType<OpenedEntry>(), trail.Heads], trail.Entries, policy, out tree, out problem);
    }

    private static bool TryOpen(string logKey, string note, OpenedEntry[] opened, IReadOnlyList<AgentEntry> entries, TlogPolicy? policy, [NotNullWhen(true)] out ShownTree? tree, out string problem)
    {
        (tree, problem) = (null, "");
        var trusted = TrustedCheckpoint.Open(logKey, note, opened, policy);
        if (trusted.Checkpoint is not { } checkpoint)
        {
            problem = trusted.Problems is [.., var last] ? $"the checkpoint cannot be trusted: {last}" : "the checkpoint cannot be trusted: name the log's key";
            return false;
        }
        var known = new KnownTree(checkpoint.Size, checkpoint.Root);
        var leaves = opened.Select(entry => (entry.Index, entry.Leaf, entry.Path))
            .Concat(entries.Where(entry => entry.Erased is not null).Select(entry => (entry.Erased!.Index, entry.Leaf, entry.Erased.Path)));
        foreach (var (index, leaf, path) in leaves)
        {
            if (!known.Learn(index, MerkleHash.Leaf(leaf.Span), Hash.ReadMany(path.Span)))
            {
                problem = $"entry {index} of the file is not in the tree that its checkpoint signs";
                return false;
            }
        }
        tree = new ShownTree(checkpoint, note, known);
        return true;
    }
}
