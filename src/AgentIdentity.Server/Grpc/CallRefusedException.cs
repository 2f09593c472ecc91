using System.Collections.Immutable;
using AgentIdentity.Credentials;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Grpc;

/// <summary>Ends a call with a refusal. Thrown where a call is read or decided, turned into a status by <see cref="ErrorInterceptor"/> and nowhere else.</summary>
internal sealed class CallRefusedException(Refusal refusal, string detail, TimeSpan? retryAfter = null) : Exception(detail)
{
    public Refusal Refusal { get; } = refusal;

    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>What the caller needs to go on, by the names that the method's description gives: <c>ErrorInfo.metadata</c>.</summary>
    public IReadOnlyDictionary<string, string> Facts { get; init; } = ImmutableDictionary<string, string>.Empty;

    public static CallRefusedException Malformed(string detail) => new(Refusal.MessageMalformed, detail);

    public static CallRefusedException Unreadable() => Malformed("A message is not one of this method: it cannot be read.");

    public static CallRefusedException TooLarge() => new(Refusal.MessageTooLarge, $"A message has at most {Limits.MessageBytesMax} bytes.");
}

internal static class Outcomes
{
    /// <summary>The value, or the end of the call.</summary>
    public static T OrRefuse<T>(this Outcome<T> outcome) =>
        outcome.IsRefused ? throw new CallRefusedException(outcome.Refusal, outcome.Detail) : outcome.Value;
}
