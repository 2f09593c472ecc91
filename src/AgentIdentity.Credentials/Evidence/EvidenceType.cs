using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>What a piece of evidence says that it is.</summary>
internal static class EvidenceType
{
    /// <summary>The <c>typ</c> of a compact JWS; null when there is none to be read.</summary>
    public static string? Of(string text)
    {
        if (!CompactJws.TryRead(text, WorkloadToken.LengthMax, out var jws))
            return null;
        using (jws)
            return jws.TryReadHeader(out var header) && header.TryGetText("typ"u8, 64, out var type) ? type : null;
    }
}
