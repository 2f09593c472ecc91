namespace AgentIdentity.Credentials.Tests.Envelopes;

/// <summary>Every use (type, action, location, time) of a small world, and for each whether an envelope grants it and how far it may be passed on. Knows nothing of the product.</summary>
internal static class Uses
{
    /// <summary>The world ends then.</summary>
    public const int Times = 10;

    private static readonly string[] Types = ["t", "u"];
    private static readonly string[] Concrete = ["a", "b", "a/", "a/b", "a/b/c", "a/c", "ab/c", "/a", "/", "b/b", "b/c/b"];

    /// <summary>For each use 0 when it is not granted, else one more than the most depth under which it is.</summary>
    public static byte[] Of(RandomEnvelope envelope, long expiresAt)
    {
        var held = new byte[Types.Length * Concrete.Length * Concrete.Length * Times];
        foreach (var item in envelope.Items)
        {
            var end = Math.Min(Math.Min(expiresAt, item.NotAfter ?? long.MaxValue), Times);
            var (actions, locations) = (Named(item.Actions), Named(item.Locations));
            var type = Array.IndexOf(Types, item.Type);
            if (type < 0)
                continue;
            foreach (var action in actions)
            {
                foreach (var location in locations)
                {
                    var first = Place(type, action, location);
                    for (var time = 0; time < end; time++)
                        held[first + time] = Math.Max(held[first + time], (byte)((item.MaxDepth ?? 0) + 1));
                }
            }
        }
        return held;
    }

    /// <summary>A use that the one below has and the one above has not, or could not pass on so far; null when there is none.</summary>
    public static string? FirstWider(byte[] below, byte[] above)
    {
        for (var place = 0; place < below.Length; place++)
        {
            if (below[place] > 0 && above[place] <= below[place])
                return Describe(place);
        }
        return null;
    }

    private static int Place(int type, int action, int location) => (((type * Concrete.Length) + action) * Concrete.Length + location) * Times;

    private static string Describe(int place)
    {
        var (pair, time) = Math.DivRem(place, Times);
        var (rest, location) = Math.DivRem(pair, Concrete.Length);
        var (type, action) = Math.DivRem(rest, Concrete.Length);
        return $"{Types[type]} {Concrete[action]} {Concrete[location]} at {time}";
    }

    private static int[] Named(string[] values) =>
        [.. Enumerable.Range(0, Concrete.Length).Where(at => Array.Exists(values, value => Names(value, Concrete[at])))];

    private static bool Names(string value, string concrete)
    {
        if (!value.EndsWith("/*", StringComparison.Ordinal))
            return value == concrete;
        var prefix = value[..^1];
        return concrete.Length > prefix.Length && concrete[..prefix.Length] == prefix;
    }
}
