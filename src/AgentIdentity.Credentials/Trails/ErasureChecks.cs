using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Goes through the entries about an agent and finds what was erased without two people, against a hold, or without an entry that says so.</summary>
internal sealed class ErasureChecks(SubjectId agent, OperatorChecks operators)
{
    private readonly Dictionary<LeafIndex, EntryCheck> _unnamed = [];
    private readonly HashSet<LeafIndex> _opened = [];
    private readonly HashSet<LeafIndex> _holds = [];

    public void Take(EntryCheck check)
    {
        if (check.Erased is not null)
            _unnamed[check.Shown.Index!.Value] = check;
        if (check.Shown.Opened is { } opened)
            _opened.Add(opened.Index);
        switch (check.Entry?.Body)
        {
            case ActivitiesErased erased:
                CheckErasure(check, erased);
                break;
            case HoldPlaced:
                _holds.Add(check.Shown.Index!.Value);
                break;
            case HoldLifted lifted:
                CheckLift(check, lifted);
                break;
        }
    }

    public void End()
    {
        foreach (var stub in _unnamed.Values)
            stub.Add(TrailProperty.Erasures, "it was erased, and no entry says so");
    }

    private void CheckErasure(EntryCheck check, ActivitiesErased erased)
    {
        if (_holds.Count > 0)
            check.Add(TrailProperty.Erasures, "it erases while a hold stands");
        if (erased.AgentId != agent)
            check.Add(TrailProperty.Erasures, "it erases activities of another agent");
        CheckApprovals(check, ApprovedAction.Erase(erased.AgentId, erased.Indexes, erased.Reason), erased.Approvals);
        foreach (var index in erased.Indexes)
        {
            if (_opened.Contains(index))
                check.Add(TrailProperty.Erasures, $"entry {index}, which it erases, is shown open");
            if (_unnamed.Remove(index, out var gone))
                CheckStub(gone, check, erased);
        }
    }

    private static void CheckStub(EntryCheck gone, EntryCheck check, ActivitiesErased erased)
    {
        var stub = gone.Erased!;
        if (stub.ErasedBy != check.Shown.Index || stub.ErasedAt != check.Entry!.At || !erased.Names(gone.Shown.Index!.Value, stub))
            gone.Add(TrailProperty.Erasures, $"entry {check.Shown.Index} erased it, and says that something else stays");
    }

    private void CheckLift(EntryCheck check, HoldLifted lifted)
    {
        if (lifted.AgentId != agent || !_holds.Remove(lifted.Hold))
            check.Add(TrailProperty.Erasures, "it lifts a hold that does not stand");
        CheckApprovals(check, ApprovedAction.LiftHold(lifted.AgentId, lifted.Hold, lifted.Reason), lifted.Approvals);
    }

    private void CheckApprovals(EntryCheck check, string action, IReadOnlyList<string> approvals)
    {
        if (operators.Problem(check.Shown.Index!.Value, check.Entry!, action, approvals) is { } problem)
            check.Add(TrailProperty.Erasures, problem);
    }
}
