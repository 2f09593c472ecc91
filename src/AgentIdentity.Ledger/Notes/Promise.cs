using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>
/// What a log signs before it has a checkpoint: these leaves stand at these indexes, and a checkpoint will cover them in time. docs/formats.md, "Promise".
/// </summary>
/// <param name="Origin">Which log; also the name of its key.</param>
/// <param name="First">Index of the first leaf.</param>
/// <param name="Count">How many leaves, at least one.</param>
/// <param name="Root">RFC 6962 root over their leaf hashes.</param>
/// <param name="IntegrateBy">When a checkpoint covers them at the latest, ms since 1970.</param>
public sealed record Promise(string Origin, LeafIndex First, int Count, Hash Root, long IntegrateBy)
{
    private const string Label = "agentidentity.v1/promise";

    /// <summary>Reads a promise that the log's key has signed; false for anything else.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> note, NoteVerifierKey logKey, [NotNullWhen(true)] out Promise? promise)
    {
        promise = null;
        if (!SignedNote.TryParse(note, out var signed, out _) || signed.Verify(logKey) != NoteRefusal.None)
            return false;
        var lines = Encoding.UTF8.GetString(signed.Text.Span).Split('\n');
        if (lines.Length != 7 || lines[0] != Label || lines[1] != logKey.Name
            || !TryParse(lines[2], out var first) || !TryParse(lines[3], out var count) || count is 0 or > int.MaxValue
            || !Checkpoint.TryParseRoot(lines[4], out var root) || !TryParse(lines[5], out var integrateBy))
            return false;
        promise = new Promise(lines[1], new LeafIndex((ulong)first), (int)count, root, integrateBy);
        return true;
    }

    /// <summary>Whether the leaf is one of those promised, at that index.</summary>
    public bool Covers(LeafIndex index, in Hash leafHash, ReadOnlySpan<Hash> path) =>
        index.Value >= First.Value && index.Value - First.Value < (ulong)Count
        && InclusionProof.Verify(new LeafIndex(index.Value - First.Value), new TreeSize((ulong)Count), in leafHash, path, Root);

    /// <summary>The signed note.</summary>
    /// <exception cref="ArgumentException">The key's name is not the origin.</exception>
    public string Sign(NoteSignerKey logKey)
    {
        if (logKey.Verifier.Name != Origin)
            throw new ArgumentException($"A promise of '{Origin}' is signed by the key of that name; this is '{logKey.Verifier.Name}'.", nameof(logKey));
        var text = $"{Label}\n{Origin}\n{First}\n{Count}\n{Root}\n{IntegrateBy}\n";
        return Encoding.UTF8.GetString(SignedNote.Sign(Encoding.UTF8.GetBytes(text), logKey).ToArray());
    }

    private static bool TryParse(string line, out long value) =>
        long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out value) && line == value.ToString(CultureInfo.InvariantCulture);
}
