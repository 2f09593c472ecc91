namespace AgentIdentity.Credentials.Documents;

/// <summary>The JSON-LD context that the second <c>@context</c> of our credentials names. It is never fetched: whoever processes JSON-LD takes it from here.</summary>
/// <remarks>
/// It defines what the first context, <c>https://www.w3.org/ns/credentials/v2</c>, leaves open. That one defines aud, cnf, exp, iat, iss, nbf and sub,
/// and protects them: to define one of these again would be an error to every processor.
/// </remarks>
public static class CredentialContext
{
    /// <summary>Its name.</summary>
    public const string Name = "urn:agentidentity:v1";

    /// <summary>The document, JSON-LD 1.1.</summary>
    public const string Document = """
        {
          "@context": {
            "@version": 1.1,
            "@protected": true,
            "AgentCredential": "urn:agentidentity:v1#AgentCredential",
            "act": {"@id": "urn:agentidentity:v1#act", "@type": "@json"},
            "attestedLabels": {"@id": "urn:agentidentity:v1#attestedLabels", "@type": "@json"},
            "authorization_details": {"@id": "urn:agentidentity:v1#authorization_details", "@type": "@json"},
            "blueprint": "urn:agentidentity:v1#blueprint",
            "jkt": "urn:agentidentity:v1#jkt",
            "jti": "urn:agentidentity:v1#jti",
            "labels": {"@id": "urn:agentidentity:v1#labels", "@type": "@json"},
            "ledger_index": {"@id": "urn:agentidentity:v1#ledger_index", "@type": "http://www.w3.org/2001/XMLSchema#integer"},
            "ledger_position": {"@id": "urn:agentidentity:v1#ledger_position", "@type": "http://www.w3.org/2001/XMLSchema#integer"},
            "sponsor": "urn:agentidentity:v1#sponsor",
            "statedLabels": {"@id": "urn:agentidentity:v1#statedLabels", "@type": "@json"},
            "status": {"@id": "urn:agentidentity:v1#status", "@type": "@json"}
          }
        }
        """;
}
