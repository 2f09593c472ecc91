namespace Grpc.Core;

/// <summary>What a client says about one call. Each With method gives a changed copy.</summary>
/// <param name="headers">What goes before the request.</param>
/// <param name="deadline">When the call ends at the latest, in UTC.</param>
/// <param name="cancellationToken">Ends the call early.</param>
/// <param name="writeOptions">How messages are written.</param>
/// <param name="propagationToken">The server call that this call serves.</param>
/// <param name="credentials">What the call says about its caller.</param>
public struct CallOptions(
    Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default,
    WriteOptions? writeOptions = null, ContextPropagationToken? propagationToken = null, CallCredentials? credentials = null)
{
    /// <summary>What goes before the request.</summary>
    public Metadata? Headers { get; private set; } = headers;

    /// <summary>When the call ends at the latest, in UTC.</summary>
    public DateTime? Deadline { get; private set; } = deadline;

    /// <summary>Ends the call early.</summary>
    public CancellationToken CancellationToken { get; private set; } = cancellationToken;

    /// <summary>How messages are written.</summary>
    public WriteOptions? WriteOptions { get; private set; } = writeOptions;

    /// <summary>The server call that this call serves.</summary>
    public ContextPropagationToken? PropagationToken { get; private set; } = propagationToken;

    /// <summary>What the call says about its caller.</summary>
    public CallCredentials? Credentials { get; private set; } = credentials;

    /// <summary>Whether the call waits for a connection instead of failing without one.</summary>
    public bool IsWaitForReady { get; private set; }

    /// <summary>A copy with other headers.</summary>
    /// <param name="headers">The headers.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithHeaders(Metadata headers) => this with { Headers = headers };

    /// <summary>A copy with another deadline.</summary>
    /// <param name="deadline">The deadline, in UTC.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithDeadline(DateTime deadline) => this with { Deadline = deadline };

    /// <summary>A copy with another token.</summary>
    /// <param name="cancellationToken">The token.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithCancellationToken(CancellationToken cancellationToken) => this with { CancellationToken = cancellationToken };

    /// <summary>A copy with other write options.</summary>
    /// <param name="writeOptions">The options.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithWriteOptions(WriteOptions writeOptions) => this with { WriteOptions = writeOptions };

    /// <summary>A copy that serves another server call.</summary>
    /// <param name="propagationToken">The server call.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithPropagationToken(ContextPropagationToken propagationToken) => this with { PropagationToken = propagationToken };

    /// <summary>A copy with other credentials.</summary>
    /// <param name="credentials">The credentials.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithCredentials(CallCredentials credentials) => this with { Credentials = credentials };

    /// <summary>A copy that waits for a connection, or does not.</summary>
    /// <param name="waitForReady">Whether it waits.</param>
    /// <returns>The copy.</returns>
    public readonly CallOptions WithWaitForReady(bool waitForReady = true) => this with { IsWaitForReady = waitForReady };
}
