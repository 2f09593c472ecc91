using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>The head of a subject: how many entries are about it, the chain over their leaf hashes, and where the last one stands. docs/formats.md, "Heads".</summary>
public static class SubjectHead
{
    private static ReadOnlySpan<byte> Domain => "air/head/v1\0"u8;

    /// <summary>The head once one more entry is about the subject. Begins with the default value.</summary>
    public static Head Then(this Head head, in Hash leafHash, LeafIndex index)
    {
        Span<byte> link = stackalloc byte[Domain.Length + (2 * Hash.Size)];
        Domain.CopyTo(link);
        head.Hash.CopyTo(link[Domain.Length..]);
        leafHash.CopyTo(link[(Domain.Length + Hash.Size)..]);
        return new Head(head.Count + 1, Sha256.Hash(link), index);
    }
}
