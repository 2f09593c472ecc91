namespace AgentIdentity.Credentials.Tests;

/// <summary>Changes to bytes as an accident or an attacker makes them.</summary>
internal static class Mutation
{
    /// <summary>One to three of: a bit turned, a byte set, removed, doubled or inserted, the end cut off, a piece moved.</summary>
    public static byte[] Of(ReadOnlySpan<byte> original, Random random)
    {
        var bytes = original.ToArray().ToList();
        for (var changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
            Change(bytes, random);
        return [.. bytes];
    }

    private static void Change(List<byte> bytes, Random random)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(7))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveAt(at);
                break;
            case 3:
                bytes.Insert(at, bytes[at]);
                break;
            case 4:
                bytes.Insert(at, (byte)random.Next(256));
                break;
            case 5:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                var length = random.Next(1, Math.Min(16, bytes.Count - at) + 1);
                var piece = bytes.GetRange(at, length);
                bytes.RemoveRange(at, length);
                bytes.InsertRange(random.Next(bytes.Count + 1), piece);
                break;
        }
    }
}
