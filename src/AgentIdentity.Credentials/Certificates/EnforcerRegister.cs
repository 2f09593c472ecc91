using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>Who enforces, and who may approve, as the entries of a certificate name them.</summary>
internal sealed class EnforcerRegister
{
    private readonly Dictionary<SubjectId, RegisteredEnforcer> _enforcers = [];
    private readonly Dictionary<KeyId, RegisteredEnforcer> _byKey = [];
    private readonly Dictionary<SubjectId, (LeafIndex Index, long At)> _removed = [];
    private readonly List<(LeafIndex Index, KeyId Key)> _breakGlassKeys = [];
    private readonly CertificateFindings _notes;
    private readonly OperatorChecks _operators;

    public EnforcerRegister(ShownEntries shown, CertificateFindings notes)
    {
        (_notes, _operators) = (notes, new OperatorChecks(shown.Genesis));
        foreach (var (index, entry) in shown.All)
            Take(index, entry);
    }

    public IEnumerable<RegisteredEnforcer> All => _enforcers.Values.OrderBy(enforcer => enforcer.Body.Name, StringComparer.Ordinal);

    public RegisteredEnforcer? Find(SubjectId id) => _enforcers.GetValueOrDefault(id);

    public RegisteredEnforcer? Find(PublicKey key) => _byKey.GetValueOrDefault(key.KeyId);

    /// <summary>When two people removed it, ms since 1970, and by which entry; null when none is shown.</summary>
    public (LeafIndex Index, long At)? Removal(RegisteredEnforcer enforcer) => _removed.TryGetValue(enforcer.Id, out var removal) ? removal : null;

    /// <summary>The key whose orders freeze, when an entry was written; null when none is shown.</summary>
    public KeyId? BreakGlassKeyAt(LeafIndex moment) => _breakGlassKeys.Where(named => named.Index.Value < moment.Value).Select(named => (KeyId?)named.Key).LastOrDefault();

    /// <summary>What does not hold of approvals; null when it takes no more.</summary>
    public string? Problem(LeafIndex index, Entry entry, string action, IReadOnlyList<string> approvals) => _operators.Problem(index, entry, action, approvals);

    private void Take(LeafIndex index, Entry entry)
    {
        switch (entry.Body)
        {
            case OperatorAdded:
                Holds(index, _operators.Take(index, entry));
                break;
            case CallerRegistered { Role: CallerRole.Enforcer } registered:
                var enforcer = new RegisteredEnforcer(entry.Subjects[0].Id, index, registered);
                if (!_enforcers.TryAdd(enforcer.Id, enforcer) || !_byKey.TryAdd(registered.Key.KeyId, enforcer))
                    _notes.Add(CertificateProperty.Enforcers, $"entry {index}: it registers an enforcer, or its key, a second time");
                break;
            case CallerRemoved removed when Holds(index, _operators.Take(index, entry)):
                _removed.TryAdd(removed.Caller, (index, entry.At));
                break;
            case BreakGlassKeySet named when Holds(index, Problem(index, entry, ApprovedAction.SetBreakGlassKey(named.Key.KeyId), named.Approvals)):
                _breakGlassKeys.Add((index, named.Key.KeyId));
                break;
            case EnforcersAcknowledged when entry.Subjects.FirstOrDefault(subject => !_enforcers.ContainsKey(subject.Id)) is { } unknown:
                _notes.Add(CertificateProperty.Enforcers, $"entry {index} holds what {unknown.Id} has signed, an enforcer that the file leaves out");
                break;
        }
    }

    private bool Holds(LeafIndex index, string? problem)
    {
        if (problem is not null)
            _notes.Add(CertificateProperty.Enforcers, $"entry {index}: {problem}");
        return problem is null;
    }
}
