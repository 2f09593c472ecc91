namespace AgentIdentity.Ledger;

/// <summary>When a witness may cosign (C2SP tlog-witness): only what goes on from everything that it has cosigned of the same log.</summary>
public static class WitnessRule
{
    /// <summary>Judges a request.</summary>
    /// <remarks>The caller makes sure that <paramref name="last"/> is still the last one when the new one takes its place, and that the new one is durable before anybody sees the cosignature.</remarks>
    /// <param name="request">What is asked.</param>
    /// <param name="logKey">The key that the witness trusts for the origin of the checkpoint.</param>
    /// <param name="last">What it has cosigned last of this log; null if nothing.</param>
    public static WitnessRefusal Judge(WitnessRequest request, NoteVerifierKey logKey, Checkpoint? last)
    {
        var checkpoint = request.Checkpoint;
        if (checkpoint.Origin != logKey.Name)
            return WitnessRefusal.UnknownLog;
        if (logKey.Type != NoteKeyType.Ed25519 || request.Note.Verify(logKey) != NoteRefusal.None)
            return WitnessRefusal.NotSigned;
        if (request.OldSize.Value > checkpoint.Size.Value)
            return WitnessRefusal.Malformed;
        if (request.OldSize != (last?.Size ?? default))
            return WitnessRefusal.OtherOldSize;
        return ConsistencyProof.Verify(request.OldSize, checkpoint.Size, last?.Root ?? MerkleHash.Empty, checkpoint.Root, request.Path)
            ? WitnessRefusal.None
            : WitnessRefusal.Inconsistent;
    }
}
