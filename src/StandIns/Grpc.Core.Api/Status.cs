namespace Grpc.Core;

/// <summary>The outcome of a call: code, text for the caller and, locally only, the exception behind it.</summary>
/// <param name="statusCode">The code.</param>
/// <param name="detail">The text that the peer sees.</param>
/// <param name="debugException">The cause, for debugging on this side; it never travels.</param>
public struct Status(StatusCode statusCode, string detail, Exception? debugException)
{
    /// <summary>Success without text.</summary>
    public static readonly Status DefaultSuccess = new(StatusCode.OK, "");

    /// <summary>Cancellation without text.</summary>
    public static readonly Status DefaultCancelled = new(StatusCode.Cancelled, "");

    /// <summary>A status without a local cause.</summary>
    /// <param name="statusCode">The code.</param>
    /// <param name="detail">The text that the peer sees.</param>
    public Status(StatusCode statusCode, string detail) : this(statusCode, detail, null)
    {
    }

    /// <summary>The code.</summary>
    public StatusCode StatusCode { get; } = statusCode;

    /// <summary>The text; null in <c>default(Status)</c> only.</summary>
    public string Detail { get; } = detail;

    /// <summary>The cause, known on this side only.</summary>
    public Exception? DebugException { get; } = debugException;

    /// <summary>Code, text and cause in one line.</summary>
    /// <returns>The line.</returns>
    public override readonly string ToString()
    {
        var cause = DebugException is { } e ? $", DebugException=\"{e.GetType()}: {e.Message}\"" : "";
        return $"Status(StatusCode=\"{StatusCode}\", Detail=\"{Detail}\"{cause})";
    }
}
