using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>Checks a containment certificate with nothing else at hand. Steps: docs/formats.md, "Checking a containment certificate". Never throws, whatever the bytes are.</summary>
public static class CertificateVerifier
{
    /// <summary>Checks a certificate.</summary>
    /// <param name="bytes">The file; they must not change afterwards.</param>
    /// <param name="policy">Whose word is enough for the caller; null takes the file's own log key, and then nothing is proven.</param>
    public static CertificateVerdict Verify(ReadOnlyMemory<byte> bytes, TlogPolicy? policy)
    {
        var notes = new CertificateFindings();

        // 1. The form.
        if (!CertificateFile.TryRead(bytes, out var file, out var problem))
        {
            notes.Add(CertificateProperty.File, problem);
            return notes.Conclude(null, null, [], []);
        }

        // 2. The checkpoint, and the key behind it.
        var trusted = TrustedCheckpoint.Open(file.Header.LogKey, file.Header.Checkpoint, file.Entries.Select(entry => entry.Opened), policy);
        notes.Take(trusted);
        if (trusted is not { Key: { } logKey, Checkpoint: { } checkpoint })
            return notes.Conclude(file, null, [], []);

        // 3 to 5. Every entry by itself, and who the registry is.
        var shown = ShownEntries.Open(file, checkpoint, logKey, notes);
        notes.Genesis = shown.Genesis;

        // 6. The registry answers for the whole.
        var madeAt = CertificateSeal.Open(file.Seal, logKey, Sha256.Hash(file.Sealed.Span));
        if (madeAt is null)
            notes.Add(CertificateProperty.Seal, "it is not the log key's, over these bytes: something was changed after the certificate was made");
        else if (madeAt < shown.NewestAt)
            notes.Add(CertificateProperty.Seal, "it is older than an entry that the file shows");
        notes.MadeAt = madeAt;

        // 8, 10, 11. Who can sign, and what they have signed.
        var people = new EnforcerRegister(shown, notes);
        var signatures = new SignatureChecks(file, shown, people, checkpoint, notes);

        // 7, 9. Each stop, and the levels that follow.
        var stops = new StopChecks(file, shown, people, signatures, madeAt ?? 0, notes);

        // 12. What a chain is said to hold of it.
        notes.Anchor = AnchorWords.Check(file.Anchor, checkpoint, logKey, problem => notes.Add(CertificateProperty.Anchor, problem));
        return notes.Conclude(file, checkpoint, stops.Check(), signatures.Seers);
    }
}
