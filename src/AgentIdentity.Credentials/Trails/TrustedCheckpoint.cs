using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>The checkpoint of a trail file or of a certificate, held against whom the caller trusts: docs/formats.md, "Checking a trail file", step 2.</summary>
/// <param name="Key">Who has signed it; null when there is nothing to hold the rest against.</param>
/// <param name="Checkpoint">The signed tree; null as well.</param>
/// <param name="Problems">What does not hold.</param>
/// <param name="Distrust">Why nothing is proven though nothing is wrong: the caller trusts nobody.</param>
/// <param name="IsSuccessor">The key is not one of the caller's, but one that such a key has named as the next.</param>
/// <param name="Witnesses">Who has cosigned it, of those that the caller's policy names.</param>
internal sealed record TrustedCheckpoint(NoteVerifierKey? Key, Checkpoint? Checkpoint, IReadOnlyList<string> Problems, string? Distrust, bool IsSuccessor, IReadOnlyList<string> Witnesses)
{
    /// <summary>Opens the checkpoint.</summary>
    /// <param name="logKey">The vkey line of the file.</param>
    /// <param name="note">The checkpoint of the file.</param>
    /// <param name="entries">Entries of the file, which may tell of successions.</param>
    /// <param name="policy">Whose word is enough for the caller; null takes the file's own log key.</param>
    public static TrustedCheckpoint Open(string logKey, string note, IEnumerable<OpenedEntry> entries, TlogPolicy? policy)
    {
        var problems = new List<string>();
        if (!NoteVerifierKey.TryParse(logKey, out var own, out var refusal))
            problems.Add($"the file's log key is none ({refusal})");
        var distrust = policy is null ? "it is signed by the key that the file itself names; whose that is, only a log key from somewhere else can tell" : null;
        if ((policy is null ? own is null ? null : TlogPolicy.LogAlone(own) : WithSuccessors(policy, entries)) is not { } trusted)
            return new TrustedCheckpoint(null, null, problems, distrust, false, []);
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out refusal) || !trusted.TryOpen(signed, out var opened, out refusal))
        {
            problems.Add($"it is not signed by {string.Join(" or ", trusted.Logs.Select(log => log.Key))}{(trusted.Quorum is null ? "" : " and a quorum of the witnesses")} ({refusal})");
            return new TrustedCheckpoint(null, null, problems, distrust, false, []);
        }
        if (own is not null && own != opened.LogKey)
            problems.Add($"the file names the log key {own}, and {opened.LogKey} has signed");
        var isSuccessor = policy is not null && policy.Logs.All(log => log.Key != opened.LogKey);
        return new TrustedCheckpoint(opened.LogKey, opened.Checkpoint, problems, distrust, isSuccessor, [.. opened.Cosignatures.Select(cosignature => cosignature.Witness.Name)]);
    }

    /// <summary>Whose word the checkpoint is, in words.</summary>
    public string Words =>
        $"{Checkpoint?.Size} entries of {Checkpoint?.Origin} under one root, signed by {(IsSuccessor ? "the successor that a key which you trust has named in its last note" : "a key that you trust")}{(Witnesses.Count == 0 ? "" : $", cosigned by {string.Join(", ", Witnesses)}")}";

    // A key that was rotated names its successor in the last note that it signed, which entries of the file hold. That they stand under the root shows later.
    private static TlogPolicy WithSuccessors(TlogPolicy policy, IEnumerable<OpenedEntry> entries)
    {
        foreach (var shown in entries)
        {
            if (Entry.TryDecode(shown.Entry, out var entry) && entry.Body is LogSucceeded next && policy.Logs.Select(log => Announced(next, log.Key)).FirstOrDefault(key => key is not null) is { } successor)
                policy = policy.With(successor);
        }
        return policy;
    }

    private static NoteVerifierKey? Announced(LogSucceeded next, NoteVerifierKey? before) =>
        before is not null && SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(next.LastCheckpoint), before, out var note) && next.IsNamedBy(note) ? note.Next : null;
}
