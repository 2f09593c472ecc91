namespace AgentIdentity.Credentials.Trails;

/// <summary>What an item of a trail file, or of a certificate, is: its first number.</summary>
internal enum TrailItemKind
{
    Header = 0,
    Opened = 1,
    Erased = 2,
    Closed = 3,
    Registry = 4,
    Heads = 5,
    End = 6,
    CertificateHeader = 7,
    WithItems = 8,
    Stop = 9,
    Tree = 10,
    Seal = 11,
    Anchor = 12,
}
