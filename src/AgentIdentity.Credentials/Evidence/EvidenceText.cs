using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>A piece of evidence of any kind, as it is sent: a compact JWS.</summary>
public static class EvidenceText
{
    /// <summary>What an enrolment proof names as <c>evidence_hash</c>: SHA-256 of header, dot and payload. A second signature does not make it other evidence.</summary>
    public static Hash HashOf(string evidence) => Sha256.Hash(Encoding.UTF8.GetBytes(evidence[..Math.Max(0, evidence.LastIndexOf('.'))]));

    /// <summary>What it says that it is, its <c>typ</c>; null when there is none to be read.</summary>
    internal static string? TypeOf(string evidence)
    {
        if (!CompactJws.TryRead(evidence, WorkloadToken.LengthMax, out var jws))
            return null;
        using (jws)
            return jws.TryReadHeader(out var header) && header.TryGetText("typ"u8, 64, out var type) ? type : null;
    }
}
