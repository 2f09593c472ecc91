using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>A text with the signatures of one or more keys (C2SP signed-note). Until <see cref="Verify"/> has accepted it, its text means nothing.</summary>
public sealed class SignedNote
{
    /// <summary>Bytes of a note that is still read: 131,072. A checkpoint with 32 post-quantum cosignatures is 104,000.</summary>
    public const int BytesMax = 128 * 1024;

    /// <summary>Signatures of a note that is still read: 64. The specification demands 16; a policy may name 32 witnesses, and keys rotate.</summary>
    public const int SignaturesMax = 64;

    private SignedNote(ReadOnlyMemory<byte> text, IReadOnlyList<NoteSignature> signatures)
    {
        if (signatures.Count > SignaturesMax)
            throw new ArgumentException($"A note has at most {SignaturesMax} signatures; it would have {signatures.Count}.", nameof(signatures));
        Text = text;
        Signatures = signatures;
    }

    /// <summary>The signed bytes: UTF-8, its final line feed included, the empty line after it not.</summary>
    public ReadOnlyMemory<byte> Text { get; }

    /// <summary>The signatures in the order of their lines, those of unknown keys too.</summary>
    public IReadOnlyList<NoteSignature> Signatures { get; }

    /// <summary>Reads a note; nothing is verified yet. The bytes are copied.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SignedNote? note, out NoteRefusal refusal)
    {
        refusal = Parse(bytes, out note);
        return note is not null;
    }

    /// <summary>Signs a text.</summary>
    /// <param name="text">Valid UTF-8 without control characters, ending in a line feed.</param>
    /// <param name="signers">At least one key.</param>
    /// <exception cref="ArgumentException">The text cannot be a note's, or nobody signs, or more than <see cref="SignaturesMax"/>.</exception>
    public static SignedNote Sign(ReadOnlySpan<byte> text, params ReadOnlySpan<NoteSignerKey> signers)
    {
        if (text.IsEmpty || text[^1] != NoteText.LineFeed || !NoteText.IsValid(text))
            throw new ArgumentException("The text of a note is UTF-8 without control characters, and ends in a line feed.", nameof(text));
        if (signers.IsEmpty)
            throw new ArgumentException("A note has at least one signature.", nameof(signers));
        var signatures = new NoteSignature[signers.Length];
        for (var i = 0; i < signers.Length; i++)
            signatures[i] = signers[i].Sign(text);
        return new SignedNote(text.ToArray(), signatures);
    }

    /// <summary>The same text with more signatures after those that it has.</summary>
    /// <exception cref="ArgumentException">They would be more than <see cref="SignaturesMax"/>.</exception>
    public SignedNote With(params IEnumerable<NoteSignature> signatures) => new(Text, [.. Signatures, .. signatures]);

    /// <summary>The same text with the lines of these keys alone, whether they are genuine or not.</summary>
    public SignedNote By(params IEnumerable<NoteVerifierKey> keys) => new(Text, [.. Signatures.Where(signature => keys.Any(key => key.Signed(signature)))]);

    /// <summary>
    /// <see cref="NoteRefusal.None"/> if at least one known key has signed and every signature that claims to be of a known key is.
    /// Signatures of unknown keys are ignored, whatever they are.
    /// </summary>
    public NoteRefusal Verify(params ReadOnlySpan<NoteVerifierKey> knownKeys)
    {
        if (HasAmbiguousKeys(knownKeys))
            return NoteRefusal.AmbiguousKey;
        var refusal = NoteRefusal.NoKnownSignature;
        foreach (var signature in Signatures)
        {
            if (Find(knownKeys, signature.Name, signature.KeyId) is not { } key)
                continue;
            if (!key.Verify(Text.Span, signature))
                return NoteRefusal.BadSignature;
            refusal = NoteRefusal.None;
        }
        return refusal;
    }

    /// <summary>The bytes of the note, as it is published.</summary>
    public byte[] ToArray()
    {
        var lines = new StringBuilder("\n");
        foreach (var signature in Signatures)
            lines.Append(signature).Append('\n');
        return [.. Text.Span, .. Encoding.UTF8.GetBytes(lines.ToString())];
    }

    private static NoteRefusal Parse(ReadOnlySpan<byte> bytes, out SignedNote? note)
    {
        note = null;
        if (bytes.Length > BytesMax)
            return NoteRefusal.TooLong;
        if (!NoteText.IsValid(bytes))
            return NoteRefusal.NotText;

        // The last empty line is the one that counts: the text may have some of its own.
        var end = bytes.LastIndexOf("\n\n"u8);
        if (end < 0 || end + 2 == bytes.Length)
            return NoteRefusal.NoSignatures;
        var refusal = ParseSignatures(bytes[(end + 2)..], out var signatures);
        if (refusal == NoteRefusal.None)
            note = new SignedNote(bytes[..(end + 1)].ToArray(), signatures);
        return refusal;
    }

    private static NoteRefusal ParseSignatures(ReadOnlySpan<byte> lines, out List<NoteSignature> signatures)
    {
        signatures = [];
        while (!lines.IsEmpty)
        {
            var end = lines.IndexOf(NoteText.LineFeed);
            if (end < 0 || !NoteSignature.TryParse(lines[..end], out var signature))
                return NoteRefusal.MalformedSignature;
            if (signatures.Count == SignaturesMax)
                return NoteRefusal.TooManySignatures;
            signatures.Add(signature);
            lines = lines[(end + 1)..];
        }
        return NoteRefusal.None;
    }

    private static NoteVerifierKey? Find(ReadOnlySpan<NoteVerifierKey> keys, string name, uint keyId)
    {
        foreach (var key in keys)
        {
            if (key.KeyId == keyId && key.Name == name)
                return key;
        }
        return null;
    }

    private static bool HasAmbiguousKeys(ReadOnlySpan<NoteVerifierKey> keys)
    {
        foreach (var key in keys)
        {
            if (Find(keys, key.Name, key.KeyId) != key)
                return true;
        }
        return false;
    }
}
