using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using Microsoft.AspNetCore.Authentication;

namespace AgentIdentity.AspNetCore;

/// <summary>How a tool asks its registry who is calling.</summary>
public sealed class AgentIdentityOptions : AuthenticationSchemeOptions
{
    /// <summary>The registry's gRPC listener.</summary>
    public string RegistryUrl { get; set; } = "";

    /// <summary>The registry's public URL.</summary>
    public string RegistryPublicUrl { get; set; } = "";

    /// <summary>What credentials for this tool must name, exactly as it is registered.</summary>
    public string Audience { get; set; } = "";

    /// <summary>The tool's own key file; its key is registered as an enforcer with the audience.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>Opens the key file when it is encrypted.</summary>
    public string KeyPassphrase { get; set; } = "";

    /// <summary>A PEM file with the only certificates to trust for the registry. Null trusts what the system trusts.</summary>
    public string? TrustedCertificateFile { get; set; }

    /// <summary>
    /// A folder, the tool's own, for the largest checkpoint that it saw of the registry's log: a registry that does not go on from there is not asked, and nobody is let in. It
    /// outlives the process, and several tools may share it. Null remembers nothing.
    /// </summary>
    public string? CheckpointFolder { get; set; }

    /// <summary>The log's key (a C2SP vkey line), from where it is trusted. Null takes the registry's word the first time. Of use with <see cref="CheckpointFolder"/> only.</summary>
    public string? LogKey { get; set; }

    /// <summary>
    /// What agents call this tool: scheme, host and port, without final slash; it stands before the path in the proofs. Null takes each request's own
    /// scheme and host. Headers that a proxy adds are never believed: behind one, say it here.
    /// </summary>
    public string? OwnUrl { get; set; }

    /// <summary>How long the registry may take; after that the answer is no.</summary>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require(RegistryUrl, nameof(RegistryUrl));
        Require(RegistryPublicUrl, nameof(RegistryPublicUrl));
        Require(Audience, nameof(Audience));
        Require(KeyFile, nameof(KeyFile));
        ReadLogKey();
        if (OwnUrl is not null && (!Uri.TryCreate(OwnUrl, UriKind.Absolute, out var url) || url.GetLeftPart(UriPartial.Authority) != OwnUrl))
            throw new InvalidOperationException($"{nameof(OwnUrl)} is scheme, host and port, in lower case and without path or final slash; it is '{OwnUrl}'.");
    }

    internal NoteVerifierKey? ReadLogKey() => LogKey switch
    {
        null => null,
        _ when CheckpointFolder is null => throw new InvalidOperationException($"{nameof(LogKey)} is of use with {nameof(CheckpointFolder)} only."),
        _ => NoteVerifierKey.TryParse(LogKey, out var key, out var refusal) ? key : throw new InvalidOperationException($"{nameof(LogKey)} is no vkey line: {refusal}."),
    };

    internal PrivateKey ReadKey() => PrivateKey.TryReadKeyFile(File.ReadAllBytes(KeyFile), KeyPassphrase, out var key, out var problem)
        ? key
        : throw new InvalidOperationException($"{KeyFile}: {problem}");

    private static void Require(string value, string name)
    {
        if (value.Length == 0)
            throw new InvalidOperationException($"AgentIdentity needs the option {name}.");
    }
}
