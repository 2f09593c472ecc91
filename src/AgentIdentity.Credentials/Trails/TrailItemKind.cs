namespace AgentIdentity.Credentials.Trails;

/// <summary>What an item of a trail file is: its first number.</summary>
internal enum TrailItemKind
{
    Header = 0,
    Opened = 1,
    Erased = 2,
    Closed = 3,
    Registry = 4,
    Heads = 5,
    End = 6,
}
