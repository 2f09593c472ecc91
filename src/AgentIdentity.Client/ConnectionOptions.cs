using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>Where a registry is, and how it is spoken to.</summary>
public sealed record ConnectionOptions
{
    /// <summary>The gRPC listener: <c>http://127.0.0.1:5001</c> (HTTP/2 without TLS) or https.</summary>
    public required string GrpcUrl { get; init; }

    /// <summary>The name of the registry, which proofs are made for. It need not be where the listener is.</summary>
    public required string PublicUrl { get; init; }

    /// <summary>The HTTP listener, which has what is public; null is the public URL itself.</summary>
    public string? HttpUrl { get; init; }

    /// <summary>The control listener, for operators.</summary>
    public string? ControlUrl { get; init; }

    /// <summary>A PEM file with the only certificates to trust: a private CA, or the registry's own certificate. Null trusts what the system trusts.</summary>
    public string? TrustedCertificateFile { get; init; }

    /// <summary>
    /// A folder, the caller's own, for the largest checkpoint that was seen of the registry's log. It is presented before the first call and each minute; a registry that
    /// does not go on from there is not spoken to (<see cref="CheckpointContradictedException"/>). Null remembers nothing.
    /// </summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>The log's key, from where it is trusted. Null takes the registry's word the first time, and holds it to that.</summary>
    public NoteVerifierKey? LogKey { get; init; }

    /// <summary>How long a call may take that brings no deadline of its own; the registry demands one.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Tells the time that proofs claim.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
