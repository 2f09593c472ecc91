using System.Globalization;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>What makes the registry answer for a certificate as a whole, the parts of it that only it can know included. docs/formats.md, "Containment certificate".</summary>
internal static class CertificateSeal
{
    // No origin, so that it can never be read as a checkpoint.
    private const string Label = "agentidentity.v1/certificate";

    /// <summary>When the certificate was made, ms since 1970; null when the note is no seal by the log's key over these bytes.</summary>
    public static long? Open(string note, NoteVerifierKey logKey, Hash digest)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _) || signed.Verify(logKey) != NoteRefusal.None)
            return null;
        var lines = Encoding.UTF8.GetString(signed.Text.Span).Split('\n');
        return lines is [Label, var origin, var time, var hash, ""] && origin == logKey.Name && hash == digest.ToString()
            && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var madeAt) && time == madeAt.ToString(CultureInfo.InvariantCulture)
            ? madeAt
            : null;
    }

    /// <summary>The signed note.</summary>
    public static string Sign(NoteSignerKey logKey, long madeAt, Hash digest) =>
        Encoding.UTF8.GetString(SignedNote.Sign(Encoding.UTF8.GetBytes($"{Label}\n{logKey.Verifier.Name}\n{madeAt}\n{digest}\n"), logKey).ToArray());
}
