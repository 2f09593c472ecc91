namespace Grpc.Core;

/// <summary>Where a channel stands with its connection.</summary>
public enum ConnectivityState
{
    /// <summary>Not trying to connect.</summary>
    Idle,

    /// <summary>Trying to connect.</summary>
    Connecting,

    /// <summary>Connected.</summary>
    Ready,

    /// <summary>Failed, and will try again.</summary>
    TransientFailure,

    /// <summary>Closed for good.</summary>
    Shutdown,
}
