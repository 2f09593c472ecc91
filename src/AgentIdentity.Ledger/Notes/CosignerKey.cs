namespace AgentIdentity.Ledger;

/// <summary>The key of a witness: it signs the checkpoints of others with the time at which it saw them. Whoever made the private key disposes of it.</summary>
/// <remarks>One key for one witness, and for nothing else: a cosignature does not cover the witness's name.</remarks>
public sealed class CosignerKey(string name, Ed25519PrivateKey privateKey)
{
    /// <summary>The public half, by which others verify.</summary>
    public NoteVerifierKey Verifier { get; } = new(name, privateKey.PublicKey, NoteKeyType.Cosignature);

    /// <summary>States that this is the largest tree of its log seen so far, and consistent with all before. The caller has made sure, and has it on disk.</summary>
    /// <param name="checkpoint">What is signed, extension lines included.</param>
    /// <param name="time">Now; fractions of a second are cut off.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time lies before 1970, which no cosignature can say.</exception>
    public NoteSignature Sign(Checkpoint checkpoint, DateTimeOffset time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, DateTimeOffset.UnixEpoch);
        return new NoteSignature(Verifier.Name, Verifier.KeyId, Cosignature.Sign(privateKey, checkpoint.ToText(), time));
    }
}
