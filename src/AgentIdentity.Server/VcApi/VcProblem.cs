namespace AgentIdentity.Server.VcApi;

/// <summary>Why a document was not taken, as the W3C specifications name it.</summary>
internal sealed record VcProblem(string Type, string Detail)
{
    private const string DataModel = "https://www.w3.org/TR/vc-data-model#";
    private const string Security = "https://w3id.org/security#";

    public string Title => Type[(Type.IndexOf('#', StringComparison.Ordinal) + 1)..];

    /// <summary>The request is not of the form that the face takes.</summary>
    public static VcProblem Parsing(string detail) => new(DataModel + "PARSING_ERROR", detail);

    /// <summary>The credential is none: VC Data Model 2.0.</summary>
    public static VcProblem Malformed(string detail) => new(DataModel + "MALFORMED_VALUE_ERROR", detail);

    /// <summary>What was asked for is not made here.</summary>
    public static VcProblem Generation(string detail) => new(Security + "PROOF_GENERATION_ERROR", detail);

    /// <summary>The proof is not one of the issuer over this document.</summary>
    public static VcProblem Verification(string detail) => new(Security + "PROOF_VERIFICATION_ERROR", detail);

    /// <summary>The credential is genuine, and its time has not come or is over.</summary>
    public static VcProblem Range(string detail) => new(DataModel + "RANGE_ERROR", detail);

    /// <summary>The credential is genuine, and stopped, or nobody can say whether it is.</summary>
    public static VcProblem Status(string detail) => new("https://www.w3.org/ns/credentials/status-list#STATUS_VERIFICATION_ERROR", detail);
}
