namespace AgentIdentity.Client;

/// <summary>Where a registry is, and how it is spoken to.</summary>
public sealed record ConnectionOptions
{
    /// <summary>The gRPC listener: <c>http://127.0.0.1:5001</c> (HTTP/2 without TLS) or https.</summary>
    public required string GrpcUrl { get; init; }

    /// <summary>The name of the registry, which proofs are made for. It need not be where the listener is.</summary>
    public required string PublicUrl { get; init; }

    /// <summary>The control listener, for operators.</summary>
    public string? ControlUrl { get; init; }

    /// <summary>A PEM file with the only certificates to trust: a private CA, or the registry's own certificate. Null trusts what the system trusts.</summary>
    public string? TrustedCertificateFile { get; init; }

    /// <summary>How long a call may take that brings no deadline of its own; the registry demands one.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Tells the time that proofs claim.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
