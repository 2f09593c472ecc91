namespace Grpc.Core;

/// <summary>How a call ended. The numbers travel in the <c>grpc-status</c> trailer.</summary>
public enum StatusCode
{
    /// <summary>The call succeeded.</summary>
    OK = 0,

    /// <summary>The caller, as a rule, cancelled the call.</summary>
    Cancelled = 1,

    /// <summary>An error that names no better code.</summary>
    Unknown = 2,

    /// <summary>The request is wrong whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The deadline passed before the answer; a change may have happened all the same.</summary>
    DeadlineExceeded = 4,

    /// <summary>The thing asked for does not exist.</summary>
    NotFound = 5,

    /// <summary>The thing to be created exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller is known and may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A quota or a resource is used up.</summary>
    ResourceExhausted = 8,

    /// <summary>The system is not in the state that the call needs; retrying alone does not help.</summary>
    FailedPrecondition = 9,

    /// <summary>The call lost against a concurrent one; the caller may start again at a higher level.</summary>
    Aborted = 10,

    /// <summary>A position lies outside of what exists now.</summary>
    OutOfRange = 11,

    /// <summary>The method is not there.</summary>
    Unimplemented = 12,

    /// <summary>An invariant of the system is broken.</summary>
    Internal = 13,

    /// <summary>The service cannot be reached now; the caller may retry.</summary>
    Unavailable = 14,

    /// <summary>Data is lost or damaged for good.</summary>
    DataLoss = 15,

    /// <summary>The caller did not show who it is.</summary>
    Unauthenticated = 16,
}
