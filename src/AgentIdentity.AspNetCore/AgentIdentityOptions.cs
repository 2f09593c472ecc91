using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using Microsoft.AspNetCore.Authentication;

namespace AgentIdentity.AspNetCore;

/// <summary>How a tool knows who is calling.</summary>
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
    /// When the registry is asked: a folder, the tool's own, for the largest checkpoint that it saw of the registry's log. A registry that does not go on from there is not asked, and nobody is let in. It
    /// outlives the process, and several tools may share it. Null remembers nothing.
    /// </summary>
    public string? CheckpointFolder { get; set; }

    /// <summary>The log's key (a C2SP vkey line), from where it is trusted. Null takes the registry's word the first time. When the registry is asked, of use with <see cref="CheckpointFolder"/> only.</summary>
    public string? LogKey { get; set; }

    /// <summary>
    /// What agents call this tool: scheme, host and port, without final slash; it stands before the path in the proofs. Null takes each request's own
    /// scheme and host. Headers that a proxy adds are never believed: behind one, say it here.
    /// </summary>
    public string? OwnUrl { get; set; }

    /// <summary>
    /// Whether the registry is asked about every request. By default the tool decides itself: it holds the registry's watch, learns of each stop at once, cuts off the requests of whom
    /// it covers, and refuses everybody when it has not heard from the registry for its lease.
    /// </summary>
    public bool AskRegistry { get; set; }

    /// <summary>A folder of the tool's own for what it must remember of the watch. Null: beside the key file, its name with <c>.watch</c>.</summary>
    public string? StateFolder { get; set; }

    /// <summary>A folder whose files are taken as break-glass orders, which freeze also while the registry is down. Null: <c>orders</c> in the state folder.</summary>
    public string? OrdersFolder { get; set; }

    /// <summary>Changes how the tool's enforcer is set up: leases, operators' keys, break-glass orders, revokers, observing only.</summary>
    public Func<EnforcerOptions, EnforcerOptions>? ConfigureEnforcer { get; set; }

    /// <summary>How long the registry may take when it is asked; after that the answer is no.</summary>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override void Validate()
    {
        Require(RegistryUrl, nameof(RegistryUrl));
        Require(RegistryPublicUrl, nameof(RegistryPublicUrl));
        Require(Audience, nameof(Audience));
        Require(KeyFile, nameof(KeyFile));
        ReadLogKey();
        if (OwnUrl is not null && (!Uri.TryCreate(OwnUrl, UriKind.Absolute, out var url) || url.GetLeftPart(UriPartial.Authority) != OwnUrl || url.UserInfo.Length > 0 || !Ascii.IsValid(OwnUrl)))
            throw new InvalidOperationException($"{nameof(OwnUrl)} is scheme, host and port, in lower case (other letters as xn--) and without path or final slash; it is '{OwnUrl}'.");
    }

    internal NoteVerifierKey? ReadLogKey() => LogKey switch
    {
        null => null,
        _ when CheckpointFolder is null && AskRegistry => throw new InvalidOperationException($"{nameof(LogKey)} is of use with {nameof(CheckpointFolder)} only."),
        _ => NoteVerifierKey.TryParse(LogKey, out var key, out var refusal) ? key : throw new InvalidOperationException($"{nameof(LogKey)} is no vkey line: {refusal}."),
    };

    internal PrivateKey ReadKey() => PrivateKey.TryReadKeyFile(File.ReadAllBytes(KeyFile), KeyPassphrase, out var key, out var problem)
        ? key
        : throw new InvalidOperationException($"{KeyFile}: {problem}");

    internal ConnectionOptions Connection(TimeProvider clock) => new()
    {
        GrpcUrl = RegistryUrl,
        PublicUrl = RegistryPublicUrl,
        TrustedCertificateFile = TrustedCertificateFile,
        CheckpointFolder = CheckpointFolder,
        LogKey = ReadLogKey(),
        Deadline = Deadline,
        Clock = clock,
    };

    private static void Require(string value, string name)
    {
        if (value.Length == 0)
            throw new InvalidOperationException($"AgentIdentity needs the option {name}.");
    }
}
