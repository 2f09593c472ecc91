namespace AgentIdentity.Credentials.Watching;

/// <summary>How far a stop is proven. Each includes those before it.</summary>
public enum StopLevel
{
    /// <summary>Durable, and this node refuses.</summary>
    Recorded = 1,

    /// <summary>Every node of the registry refuses. There is one.</summary>
    Nodes = 2,

    /// <summary>Every enforcer whose word it takes has signed that it refuses, or its lease is over.</summary>
    Enforced = 3,

    /// <summary>Nor does anybody hold an unexpired credential in scope.</summary>
    Exhausted = 4,
}

/// <summary>Where one enforcer stands with one stop.</summary>
public enum EnforcerProgress
{
    /// <summary>It has signed that it refuses.</summary>
    Acknowledged = 1,

    /// <summary>It was without a lease, and refuses everything until it has heard of the stop.</summary>
    LeaseOver = 2,

    /// <summary>It watches and has not signed yet.</summary>
    Lagging = 3,

    /// <summary>It does not watch, and its lease may run.</summary>
    Silent = 4,

    /// <summary>It reports what it would refuse, and refuses nothing.</summary>
    Observing = 5,
}
