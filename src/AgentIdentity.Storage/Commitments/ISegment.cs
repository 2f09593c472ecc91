namespace AgentIdentity.Storage.Commitments;

/// <summary>A range of entries whose commitments can be looked for: a file, or what is in memory.</summary>
internal interface ISegment
{
    /// <summary>The first entry of the range.</summary>
    ulong From { get; }

    /// <summary>The first entry behind it.</summary>
    ulong To { get; }

    /// <summary>Adds entries from <paramref name="first"/> on that hold a commitment with this prefix, ascending, until there are <paramref name="countMax"/> places.</summary>
    void AddPlaces(ulong prefix, ulong first, int countMax, List<ulong> places);
}
