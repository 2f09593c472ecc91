using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Operating;

/// <summary>Who may do what takes two people, and who must acknowledge a stop: changed by two people, never by one.</summary>
public sealed class People(RegistrySettings settings, Sequencer sequencer, Approvals approvals, TimeProvider clock)
{
    private const int NameMax = 100;

    /// <summary>Adds an operator, or a passkey of one. The key approves nothing for the first day.</summary>
    public async Task<Outcome<CallerMade>> AddOperatorAsync(CallerRecord actor, string proofText, IReadOnlyList<string> tokens)
    {
        var refusal = OperatorProof.Read(proofText, settings.Name.PublicUrl, clock.GetUtcNow(), out var proof);
        if (refusal != Refusal.None)
            return Refused.Because(refusal, "The operator's proof is not a good one: docs/formats.md, \"Operator proof\".");
        if (!Operating.IsText(proof!.Name, NameMax))
            return Refused.Because(Refusal.NameMalformed, $"A name is 1 to {NameMax} printable characters.");
        var approved = approvals.Check(tokens, ApprovedAction.AddOperator(proof.Key.KeyId, proof.Name, proof.Passkey));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        var newcomer = SubjectId.New(clock.GetUtcNow());
        return await sequencer.DecideAsync<CallerMade>(Lane.Control, draft =>
        {
            if (draft.IsCallerTaken(proof.Key.KeyId) || draft.IsAgentKey(proof.Key.KeyId))
                return Refused.Because(Refusal.KeyAlreadyRegistered, "The key is registered or enrolled already.");
            // Two keys of one person must never count as two people.
            var owner = proof.Passkey is null ? null : draft.FindOperator(proof.Name);
            if (owner is null && draft.IsNameTaken(CallerRole.Operator, proof.Name))
                return Refused.Because(Refusal.NameTaken, "There is another operator with that name.");
            if (approvals.Use(draft, approved.Value) is { IsRefused: true } used)
                return Refused.Because(used.Refusal, used.Detail);
            var id = owner?.Id ?? newcomer;
            var index = draft.Stage(actor.Id, new OperatorAdded(proof.Name, proof.Key, proofText, approved.Value.Tokens, draft.OpenEpoch(), proof.Passkey), id);
            return new CallerMade(new CallerRecord(id, CallerRole.Operator, proof.Name, proof.Key, [], draft.At) { Passkey = proof.Passkey }, index);
        }).ConfigureAwait(false);
    }

    /// <summary>Removes an operator, auditor, enforcer or sponsor. So many operators stay as it takes to restore.</summary>
    public async Task<Outcome<LeafIndex>> RemoveCallerAsync(CallerRecord actor, SubjectId caller, string reason, IReadOnlyList<string> tokens)
    {
        if (Reasons.Problem(reason) is { } unsaid)
            return unsaid;
        var approved = approvals.Check(tokens, ApprovedAction.RemoveCaller(caller, reason));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        return await sequencer.DecideAsync<LeafIndex>(Lane.Control, draft =>
        {
            if (draft.State.Callers.FirstOrDefault(known => known.Id == caller) is not { } removed || draft.IsRemoved(caller))
                return Refused.Because(Refusal.CallerUnknown, "There is no such caller.");
            if (removed.Role == CallerRole.Operator && !approvals.EnoughAreLeft(other => other.Id == caller || draft.IsRemoved(other.Id), draft.Stops))
                return Refused.Because(Refusal.NeedsTwoOperators, "Without this operator too few are left who may approve today, with a key that is not stopped: add another, who may from the day after on.");
            if (approvals.Use(draft, approved.Value) is { IsRefused: true } used)
                return Refused.Because(used.Refusal, used.Detail);
            return draft.Stage(actor.Id, new CallerRemoved(caller, reason, approved.Value.Tokens, draft.OpenEpoch()), caller);
        }).ConfigureAwait(false);
    }

    /// <summary>Names the key whose orders enforcers obey without the registry, in the place of the one before.</summary>
    public async Task<Outcome<LeafIndex>> SetBreakGlassKeyAsync(CallerRecord actor, PublicKey key, IReadOnlyList<string> tokens)
    {
        var approved = approvals.Check(tokens, ApprovedAction.SetBreakGlassKey(key.KeyId));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        return await sequencer.DecideAsync<LeafIndex>(Lane.Control, draft =>
        {
            if (draft.IsCallerTaken(key.KeyId) || draft.IsAgentKey(key.KeyId))
                return Refused.Because(Refusal.KeyAlreadyRegistered, "The key is somebody's already: the break-glass key is nobody's, and sealed.");
            if (approvals.Use(draft, approved.Value) is { IsRefused: true } used)
                return Refused.Because(used.Refusal, used.Detail);
            return draft.Stage(actor.Id, new BreakGlassKeySet(key, approved.Value.Tokens, draft.OpenEpoch()), draft.RegistryId);
        }).ConfigureAwait(false);
    }
}
