using System.Text.Json;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Dids;

/// <summary>Whether the witnesses of a log have approved each version that they are to approve.</summary>
internal static class WebvhWitnessing
{
    private const int SizeMax = 1 << 20;

    // Each costs a verification; a file that is kept short has one or two for each witness.
    private const int ProofsMax = 1024;
    private const int TextLengthMax = 256;

    /// <summary>Step 9 of docs/formats.md, "Resolving a DID log".</summary>
    public static WebvhRefusal Check(List<WebvhVersion> versions, ReadOnlyMemory<byte> proofs, DateTimeOffset now)
    {
        if (!versions.Exists(version => version.Parameters.Witnesses is not null))
            return WebvhRefusal.None;
        if (proofs.IsEmpty)
            return WebvhRefusal.WitnessProofsMissing;
        if (proofs.Length > SizeMax)
            return WebvhRefusal.TooLarge;
        if (!StrictJson.TryParse(proofs, out var document))
            return WebvhRefusal.WitnessProofsForm;
        using (document)
            return Reached(document.RootElement, versions, now) is { } reached ? Check(versions, reached) : WebvhRefusal.WitnessProofsForm;
    }

    private static WebvhRefusal Check(List<WebvhVersion> versions, Dictionary<string, int> reached)
    {
        WebvhWitnesses? before = null;
        foreach (var version in versions)
        {
            // New witnesses do not approve their own coming; the first ones do, since nobody was there before them.
            if ((before ?? version.Parameters.Witnesses) is { } witnesses && witnesses.Dids.Count(did => reached.GetValueOrDefault(did) >= version.Number) < witnesses.Threshold)
                return WebvhRefusal.WitnessThreshold;
            before = version.Parameters.Witnesses;
        }
        return WebvhRefusal.None;
    }

    // The last version that each witness has approved, and with it all before. Null when the file is not of the form.
    private static Dictionary<string, int>? Reached(JsonElement file, List<WebvhVersion> versions, DateTimeOffset now)
    {
        var numbers = versions.ToDictionary(version => version.VersionId, version => version.Number, StringComparer.Ordinal);
        var reached = new Dictionary<string, int>(StringComparer.Ordinal);
        if (file.ValueKind != JsonValueKind.Array || !file.EnumerateArray().All(IsOfForm) || file.EnumerateArray().Sum(one => one.GetProperty("proof"u8).GetArrayLength()) > ProofsMax)
            return null;
        foreach (var one in file.EnumerateArray())
        {
            var versionId = one.GetProperty("versionId"u8).GetString()!;
            // Proofs for what is not published yet, or for another log, say nothing about this one.
            if (!numbers.TryGetValue(versionId, out var number))
                continue;
            foreach (var witness in one.GetProperty("proof"u8).EnumerateArray().Select(proof => Witness(versionId, proof, now)).OfType<string>())
                reached[witness] = Math.Max(reached.GetValueOrDefault(witness), number);
        }
        return reached;
    }

    private static bool IsOfForm(JsonElement one) => one.TryGetText("versionId"u8, TextLengthMax, out _) && one.TryGetMember("proof"u8, out var proofs) && proofs.ValueKind == JsonValueKind.Array;

    private static string? Witness(string versionId, JsonElement proof, DateTimeOffset now) =>
        IntegrityProof.TryReadKey(proof, out var key)
        && IntegrityProof.CheckCanonical($"{{\"versionId\":\"{versionId}\"}}", proof, key, IntegrityProof.AssertionMethod, now) == IntegrityRefusal.None
            ? Multikey.Did(key)
            : null;
}
