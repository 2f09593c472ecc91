namespace AgentIdentity.Ledger;

/// <summary>A signer of notes: a private key under a name. Whoever made the private key disposes of it.</summary>
public sealed class NoteSignerKey(string name, Ed25519PrivateKey privateKey)
{
    /// <summary>The public half, by which others verify.</summary>
    public NoteVerifierKey Verifier { get; } = new(name, privateKey.PublicKey);

    /// <summary>The signature of this key over a note's text, final line feed included.</summary>
    public NoteSignature Sign(ReadOnlySpan<byte> text) => new(Verifier.Name, Verifier.KeyId, privateKey.Sign(text));
}
