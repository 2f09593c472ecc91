namespace AgentIdentity.Credentials.Trails;

/// <summary>What an item of a trail file is: its first number. 2 is kept for erased activities.</summary>
internal enum TrailItemKind
{
    Header = 0,
    Opened = 1,
    Closed = 3,
    Registry = 4,
    Heads = 5,
    End = 6,
}
