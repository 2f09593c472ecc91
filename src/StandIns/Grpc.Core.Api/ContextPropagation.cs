namespace Grpc.Core;

/// <summary>What of a server call is handed on to the calls that it makes itself.</summary>
/// <param name="propagateDeadline">Whether the deadline is.</param>
/// <param name="propagateCancellation">Whether the cancellation is.</param>
public class ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
{
    /// <summary>Both.</summary>
    public static readonly ContextPropagationOptions Default = new();

    /// <summary>Whether the deadline is handed on.</summary>
    public bool IsPropagateDeadline { get; } = propagateDeadline;

    /// <summary>Whether the cancellation is handed on.</summary>
    public bool IsPropagateCancellation { get; } = propagateCancellation;
}

/// <summary>A server call's context on its way into a client call. Only a transport can make one.</summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken()
    {
    }
}
