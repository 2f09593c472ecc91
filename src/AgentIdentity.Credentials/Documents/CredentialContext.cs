namespace AgentIdentity.Credentials.Documents;

/// <summary>The JSON-LD context that the second <c>@context</c> of our credentials names. It is never fetched: whoever processes JSON-LD takes it from here.</summary>
public static class CredentialContext
{
    /// <summary>Its name.</summary>
    public const string Name = "urn:agentidentity:v1";

    /// <summary>The document, JSON-LD 1.1. Claims that JWT registers (iss, aud and so on) are mapped too, since they stand in the same object.</summary>
    public const string Document = """
        {
          "@context": {
            "@version": 1.1,
            "@protected": true,
            "agentidentity": "urn:agentidentity:v1#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            "AgentCredential": "agentidentity:AgentCredential",
            "act": {"@id": "agentidentity:act", "@type": "@json"},
            "aud": {"@id": "agentidentity:aud", "@container": "@set"},
            "authorization_details": {"@id": "agentidentity:authorization_details", "@type": "@json"},
            "blueprint": "agentidentity:blueprint",
            "cnf": {
              "@id": "agentidentity:cnf",
              "@context": {
                "@version": 1.1,
                "@protected": true,
                "jkt": "urn:agentidentity:v1#jkt"
              }
            },
            "exp": {"@id": "agentidentity:exp", "@type": "xsd:integer"},
            "iat": {"@id": "agentidentity:iat", "@type": "xsd:integer"},
            "iss": {"@id": "agentidentity:iss", "@type": "@id"},
            "jti": "agentidentity:jti",
            "labels": {"@id": "agentidentity:labels", "@type": "@json"},
            "ledger_index": {"@id": "agentidentity:ledger_index", "@type": "xsd:integer"},
            "ledger_position": {"@id": "agentidentity:ledger_position", "@type": "xsd:integer"},
            "nbf": {"@id": "agentidentity:nbf", "@type": "xsd:integer"},
            "sponsor": "agentidentity:sponsor",
            "sub": {"@id": "agentidentity:sub", "@type": "@id"}
          }
        }
        """;
}
