namespace AgentIdentity.Credentials.Issuing;

/// <summary>The fixed texts of a credential. docs/formats.md, "Credential".</summary>
internal static class CredentialFormat
{
    public const int LengthMax = 16_384;

    public const string Algorithm = "ES256";
    public const string Type = "vc+jwt";
    public const string ContentType = "vc";

    public const string BaseContext = "https://www.w3.org/ns/credentials/v2";
    public const string OwnContext = Documents.CredentialContext.Name;
    public const string Contexts = $"[\"{BaseContext}\",\"{OwnContext}\"]";
    public const string BaseCredentialType = "VerifiableCredential";
    public const string OwnCredentialType = "AgentCredential";
    /// <summary>RFC 8705, section 3.1: SHA-256 of a client certificate.</summary>
    public const string CertificateMember = "x5t#S256";

    public const string UuidUrn = "urn:uuid:";
}
