using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Ledger;

/// <summary>
/// Whose word is enough (C2SP tlog-policy): the logs whose checkpoints are accepted, the witnesses, and the quorum of them that must
/// have cosigned.
/// </summary>
/// <remarks>
/// Lines <c>log &lt;vkey&gt; [url]</c>, <c>witness &lt;name&gt; &lt;vkey&gt; [url]</c>, <c>group &lt;name&gt; any|all|&lt;k&gt; &lt;member&gt;…</c> and one
/// <c>quorum &lt;name&gt;|none</c>; words parted by spaces and tabs; lines that begin with # are comments. Names are defined before they are used.
/// Names are bytes: those that are no UTF-8 stand here as U+DC80 to U+DCFF, so that different names stay different.
/// </remarks>
public sealed class TlogPolicy
{
    /// <summary>Bytes of a policy that is still read: 262,144, room for 100 logs and witnesses with post-quantum keys. There is no other limit.</summary>
    public const int BytesMax = 256 * 1024;

    internal TlogPolicy(IReadOnlyList<PolicyLog> logs, IReadOnlyList<PolicyWitness> witnesses, IReadOnlyList<PolicyGroup> groups, string? quorum)
    {
        Logs = logs;
        Witnesses = witnesses;
        Groups = groups;
        Quorum = quorum;
    }

    /// <summary>The logs, in the order of their lines.</summary>
    public IReadOnlyList<PolicyLog> Logs { get; }

    /// <summary>The witnesses, in the order of their lines.</summary>
    public IReadOnlyList<PolicyWitness> Witnesses { get; }

    /// <summary>The groups, in the order of their lines: members before groups that hold them.</summary>
    public IReadOnlyList<PolicyGroup> Groups { get; }

    /// <summary>The name of the witness or group that must have cosigned; null for <c>none</c>.</summary>
    public string? Quorum { get; }

    /// <summary>The policy of who trusts one log's key alone: no witnesses, <c>quorum none</c>.</summary>
    public static TlogPolicy LogAlone(NoteVerifierKey logKey) => new([LogOf(logKey)], [], [], null);

    /// <summary>Reads a policy.</summary>
    /// <param name="text">The file.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="refusal">Why there is none.</param>
    /// <param name="line">The line at fault, from 1; 0 if it is not one line's.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out TlogPolicy? policy, out PolicyRefusal refusal, out int line)
    {
        var reader = new PolicyReader();
        refusal = reader.Read(text);
        line = reader.Line;
        policy = refusal == PolicyRefusal.None ? reader.Policy() : null;
        return policy is not null;
    }

    /// <summary>This policy, accepting checkpoints of one more log: for one that is known from elsewhere.</summary>
    public TlogPolicy With(NoteVerifierKey logKey) =>
        Logs.Any(log => log.Key == logKey) ? this : new TlogPolicy([.. Logs, LogOf(logKey)], Witnesses, Groups, Quorum);

    /// <summary>Whether the quorum is met when the witnesses of these names, and no others, have cosigned.</summary>
    public bool IsQuorum(params IEnumerable<string> witnessNames)
    {
        var witnessed = new HashSet<string>(witnessNames, StringComparer.Ordinal);
        witnessed.IntersectWith(Witnesses.Select(witness => witness.Name));
        foreach (var group in Groups)
        {
            if (group.Members.Count(witnessed.Contains) >= group.Threshold)
                witnessed.Add(group.Name);
        }
        return Quorum is null || witnessed.Contains(Quorum);
    }

    /// <summary>Accepts a checkpoint: one of the logs has signed it under its own origin, and a quorum of the witnesses has cosigned it.</summary>
    /// <remarks>
    /// A bad signature of the log or of any witness of the policy refuses the whole note. Signatures of others, and of types that
    /// cannot be verified here, are ignored.
    /// </remarks>
    public bool TryOpen(SignedNote note, [NotNullWhen(true)] out CosignedCheckpoint? checkpoint, out NoteRefusal refusal)
    {
        refusal = Open(note, out checkpoint);
        return checkpoint is not null;
    }

    private NoteRefusal Open(SignedNote note, out CosignedCheckpoint? opened)
    {
        opened = null;
        if (!Checkpoint.TryParse(note.Text.Span, out var checkpoint, out var refusal))
            return refusal;
        var logKeys = Logs.Select(log => log.Key).OfType<NoteVerifierKey>().Where(key => key.Name == checkpoint.Origin).ToArray();
        if (logKeys.Length == 0)
            return NoteRefusal.WrongOrigin;
        if (logKeys.Any(key => key.Type != NoteKeyType.Ed25519))
            return NoteRefusal.WrongKeyType;

        // Every line that claims to be of a known key is verified here; after that a line of a key is a signature of it.
        refusal = note.Verify([.. logKeys, .. Witnesses.Select(witness => witness.Key).OfType<NoteVerifierKey>()]);
        if (refusal != NoteRefusal.None)
            return refusal;
        if (logKeys.FirstOrDefault(key => note.Signatures.Any(key.Signed)) is not { } logKey)
            return NoteRefusal.NoKnownSignature;
        var cosignatures = Witnesses.Select(witness => Earliest(witness, note)).OfType<WitnessedAt>().ToArray();
        if (!IsQuorum(cosignatures.Select(cosignature => cosignature.Witness.Name)))
            return NoteRefusal.NoQuorum;
        opened = new CosignedCheckpoint(checkpoint, logKey, cosignatures);
        return NoteRefusal.None;
    }

    private static WitnessedAt? Earliest(PolicyWitness witness, SignedNote note)
    {
        WitnessedAt? earliest = null;
        foreach (var signature in note.Signatures)
        {
            if (witness.Key?.Signed(signature) == true && Cosignature.TryReadTime(signature, out var time) && !(time >= earliest?.Time))
                earliest = new WitnessedAt(witness, time);
        }
        return earliest;
    }

    private static PolicyLog LogOf(NoteVerifierKey key) => new(key.ToString(), key, null);
}
