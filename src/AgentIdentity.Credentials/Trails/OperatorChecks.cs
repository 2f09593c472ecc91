using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Who could approve, and when, as the entries of a file tell it: those whom genesis names, and whom two of them have added.</summary>
/// <param name="genesis">How the log began; without it nobody is known.</param>
/// <remarks>A person is a name: a passkey under the name of an operator is another key of that one.</remarks>
internal sealed class OperatorChecks(Genesis? genesis)
{
    private static readonly long Probation = (long)TimeSpan.FromHours(24).TotalMilliseconds;

    private readonly List<KnownOperator> _known = [.. (genesis?.Operators ?? []).Select(person => new KnownOperator(person.Id, person.Name, person.Key, null, default, 0))];

    /// <summary>Whose word the approvals are, where that is less than it is elsewhere.</summary>
    public static IEnumerable<string> RestsOn(Genesis? genesis) => genesis is { SingleOperator: true }
        ? ["what takes two people elsewhere: one operator. This registry was founded in single-operator mode, for trying out: one person restores, erases and changes who the operators are"]
        : [];

    /// <summary>Takes an entry that adds an operator, or removes one. What is wrong with it, or null.</summary>
    public string? Take(LeafIndex index, Entry entry)
    {
        switch (entry.Body)
        {
            case OperatorAdded added when entry.Subjects is [var subject]:
                var refused = Problem(index, entry, ApprovedAction.AddOperator(added.Key.KeyId, added.Name, added.Passkey), added.Approvals);
                if (refused is null)
                    _known.Add(new KnownOperator(subject.Id, added.Name, added.Key, added.Passkey, index, entry.At + Probation));
                return refused;
            case CallerRemoved removed:
                var problem = Problem(index, entry, ApprovedAction.RemoveCaller(removed.Caller, removed.Reason), removed.Approvals);
                for (var i = 0; i < _known.Count && problem is null; i++)
                    _known[i] = _known[i].Id == removed.Caller ? _known[i] with { Until = index } : _known[i];
                return problem;
            default:
                return "it adds no operator and removes none";
        }
    }

    /// <summary>What does not hold of the approvals in an entry, of as many operators as it took, for what it did; null when it takes no more.</summary>
    /// <remarks>Times are the operators' word about a moment near the entry's own.</remarks>
    public string? Problem(LeafIndex index, Entry entry, string action, IReadOnlyList<string> approvals)
    {
        var signers = new HashSet<string>(StringComparer.Ordinal);
        var time = DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(entry.At, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
        foreach (var text in approvals)
        {
            if (genesis is null || Approval.Read(text, genesis.PublicUrl, time, out var approval) != Refusal.None || approval!.Action != action
                || _known.Find(known => known.Approves(index, entry.At) && approval.IsBy(known.Key, known.Passkey)) is not { } signer || !signers.Add(signer.Name))
                return "an approval is not an operator's for what was done";
        }
        return signers.Count < (genesis is { SingleOperator: true } ? 1 : 2) ? "fewer operators have approved than it takes" : null;
    }

    private sealed record KnownOperator(SubjectId Id, string Name, PublicKey Key, PasskeyOrigin? Passkey, LeafIndex From, long ApprovesFrom)
    {
        public LeafIndex? Until { get; init; }

        public bool Approves(LeafIndex index, long at) => index.Value > From.Value && at >= ApprovesFrom && (Until is not { } until || index.Value < until.Value);
    }
}
