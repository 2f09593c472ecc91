using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Passkeys;

/// <summary>The page that a passkey is bound to, for example <c>http://localhost:5003</c>. Its host is the relying party id. docs/formats.md, "Passkeys".</summary>
/// <remarks>The port is part of it: on localhost another program's page may ask the same authenticator, under the same relying party id.</remarks>
public sealed record PasskeyOrigin
{
    private PasskeyOrigin(string text, string relyingParty) => (Text, RelyingPartyHash) = (text, Sha256.Hash(Encoding.ASCII.GetBytes(relyingParty)));

    /// <summary>As a browser writes it into the client data.</summary>
    public string Text { get; }

    /// <summary>What an authenticator writes in front of its data.</summary>
    public Hash RelyingPartyHash { get; }

    /// <summary>Reads an origin in its one spelling: that of a public URL.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PasskeyOrigin? origin)
    {
        origin = RegistryName.TryParse(text, out var name, out _) ? new PasskeyOrigin(name.PublicUrl, name.Origin.Split(':')[0]) : null;
        return origin is not null;
    }

    /// <summary>The origin as it is written.</summary>
    public override string ToString() => Text;
}
