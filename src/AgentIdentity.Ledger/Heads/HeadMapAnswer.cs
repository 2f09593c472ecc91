namespace AgentIdentity.Ledger;

/// <summary>What a proof of a <see cref="HeadMap"/> says of a key.</summary>
public enum HeadMapAnswer
{
    /// <summary>It proves nothing: it is malformed, is of another map, or does not lead to this key.</summary>
    Refused = 0,

    /// <summary>The key is in the map, with the head that was given out.</summary>
    Present,

    /// <summary>The key is not in the map.</summary>
    Absent,
}
