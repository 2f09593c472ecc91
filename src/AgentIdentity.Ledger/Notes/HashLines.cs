namespace AgentIdentity.Ledger;

/// <summary>Lines with one base64 hash each, up to an empty line: how paths stand in receipts and in requests to witnesses.</summary>
internal static class HashLines
{
    internal enum Outcome
    {
        Read,
        TooMany,
        Malformed,
    }

    /// <summary>Takes the hashes and the empty line after them.</summary>
    internal static Outcome Take(ref ReadOnlySpan<byte> bytes, int max, out Hash[] hashes)
    {
        hashes = [];
        var taken = new List<Hash>();
        while (TryTakeLine(ref bytes, out var line))
        {
            if (line.IsEmpty)
            {
                hashes = [.. taken];
                return Outcome.Read;
            }
            if (taken.Count == max)
                return Outcome.TooMany;
            if (!NoteText.TryDecodeBase64(line, out var hash) || hash.Length != Hash.Size)
                return Outcome.Malformed;
            taken.Add(Hash.Read(hash));
        }
        return Outcome.Malformed;
    }

    /// <summary>Takes what stands before the next line feed. False when there is none.</summary>
    internal static bool TryTakeLine(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> line)
    {
        var end = bytes.IndexOf(NoteText.LineFeed);
        line = end < 0 ? default : bytes[..end];
        if (end >= 0)
            bytes = bytes[(end + 1)..];
        return end >= 0;
    }
}
