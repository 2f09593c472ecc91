namespace AgentIdentity.Ledger.Tests.Tree;

/// <summary>Wrong versions of hashes and paths.</summary>
internal static class Tampering
{
    internal static Hash Flip(Hash hash, int bit)
    {
        var bytes = hash.ToArray();
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        return Hash.Read(bytes);
    }

    /// <summary>Makes one bit of a row of hashes wrong: the one with this number, counted round and round.</summary>
    internal static void FlipOne(Hash[] row, int number)
    {
        var bit = number % (row.Length * 256);
        row[bit / 256] = Flip(row[bit / 256], bit % 256);
    }

    /// <summary>The path with each of its bits wrong, one at a time.</summary>
    internal static IEnumerable<Hash[]> OneBitWrong(Hash[] path)
    {
        for (var bit = 0; bit < path.Length * Hash.Size * 8; bit++)
        {
            Hash[] wrong = [.. path];
            wrong[bit / 256] = Flip(wrong[bit / 256], bit % 256);
            yield return wrong;
        }
    }

    /// <summary>The path with a hash left out, put in twice, made up at either end, or two neighbours swapped.</summary>
    internal static IEnumerable<Hash[]> Reshaped(Hash[] path)
    {
        yield return [.. path, default];
        yield return [default, .. path];
        for (var i = 0; i < path.Length; i++)
        {
            yield return [.. path[..i], .. path[(i + 1)..]];
            yield return [.. path[..i], path[i], .. path[i..]];
        }
        for (var i = 1; i < path.Length; i++)
            yield return [.. path[..(i - 1)], path[i], path[i - 1], .. path[(i + 1)..]];
    }
}
