namespace AgentIdentity.Registry.Reading;

/// <summary>Finds places by time. The times of entries never go back, so the ledger is its own index: some thirty reads in a million entries.</summary>
internal static class TimeSearch
{
    /// <summary>The first place whose time is not before <paramref name="time"/>; the number of places when there is none.</summary>
    /// <param name="time">Milliseconds since 1970.</param>
    /// <param name="timeAt">The time at a place, null beyond the last.</param>
    public static ulong First(long time, Func<ulong, long?> timeAt)
    {
        ulong low = 0, high = 1;
        // The end is not known for entries about a subject: doubled until it is passed.
        while (IsBefore(high - 1))
            (low, high) = (high, high * 2);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (IsBefore(middle))
                low = middle + 1;
            else
                high = middle;
        }
        return low;

        bool IsBefore(ulong place) => timeAt(place) is { } at && at < time;
    }
}

/// <summary>A period, ms since 1970: from the first to before the last.</summary>
public sealed record Period(long From, long To)
{
    public static Period All { get; } = new(0, long.MaxValue);
}
