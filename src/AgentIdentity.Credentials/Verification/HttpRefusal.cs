using System.Text.Json.Nodes;

namespace AgentIdentity.Credentials.Verification;

/// <summary>What an agent is answered over HTTP that is not let in: by a tool's middleware, and by the registry to a gateway. docs/formats.md, "Refused over HTTP".</summary>
/// <param name="Status">401 where another proof or credential would mend it (RFC 9449 section 7.1, RFC 6750 section 3.1), 503 where only time can, 403 otherwise.</param>
/// <param name="Title">For people.</param>
/// <param name="Reason">A stable name: of a refusal, or a tool's own.</param>
/// <param name="Error">The error code of RFC 9449 and RFC 6750, with 401.</param>
public sealed record HttpRefusal(int Status, string Title, string Reason, string? Error = null)
{
    /// <summary>The media type of <see cref="ToProblem"/> (RFC 9457).</summary>
    public const string ProblemType = "application/problem+json";

    /// <summary>The header that carries the verifier's nonce to the agent.</summary>
    public const string NonceHeader = "DPoP-Nonce";

    /// <summary>The reason of a tool that cannot ask its registry.</summary>
    public const string RegistryUnreachable = "REGISTRY_UNREACHABLE";

    /// <summary>Nothing was shown, or no proof with a nonce of the verifier's.</summary>
    public static readonly HttpRefusal AskForNonce = new(401, "A credential is needed, with a key proof that carries the nonce in DPoP-Nonce.", Refusal.UseDpopNonce.Name(), "use_dpop_nonce");

    /// <summary>A body that a proof has to cover is too long.</summary>
    public static readonly HttpRefusal BodyTooLong = new(413, "The body is longer than a proof may cover here.", Refusal.MessageTooLarge.Name());

    /// <summary>The header <c>WWW-Authenticate</c>; null unless the status is 401.</summary>
    public string? Challenge => Error is null ? null : $"DPoP error=\"{Error}\", algs=\"ES256 EdDSA\"";

    /// <summary>The answer for a reason, of whatever version the verifier is.</summary>
    public static HttpRefusal Of(string reason) => reason switch
    {
        "USE_DPOP_NONCE" => AskForNonce,
        "PROOF_MISSING" or "PROOF_INVALID" or "PROOF_STALE" or "PROOF_REPLAYED" or "PROOF_REQUEST_MISMATCH" or "PROOF_KEY_MISMATCH" or "NONCE_MISMATCH" or "BODY_MISMATCH" =>
            new(401, "The key proof is not a good one.", reason, "invalid_dpop_proof"),
        "CREDENTIAL_INVALID" or "CREDENTIAL_UNLOGGED" or "CREDENTIAL_EXPIRED" or "CREDENTIAL_NOT_YET_VALID" or "AUDIENCE_MISMATCH" or "CERTIFICATE_MISMATCH" =>
            new(401, "The credential is not a good one here, or not any more.", reason, "invalid_token"),
        "LEASE_OVER" or "REPLAY_STORE_FULL" or "REGISTRY_HALTED" or "ROLLED_BACK" or "OVERLOADED" or "QUOTA_EXCEEDED" or RegistryUnreachable => new(503, "Whether the credential is good cannot be found out now.", reason),
        _ => new(403, "This request is not let through.", reason),
    };

    /// <summary>The body, in JSON (RFC 9457), with the reason as a member of its own.</summary>
    public string ToProblem() => new JsonObject { ["type"] = "about:blank", ["title"] = Title, ["status"] = Status, ["reason"] = Reason }.ToJsonString();
}
