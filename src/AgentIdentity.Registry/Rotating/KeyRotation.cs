using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Dids;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Rotating;

/// <summary>Gives an agent another key: by the word of the key that ends, or under the token of an order. The entry and the new line of the DID log are one commit. docs/formats.md, "Rotation proof".</summary>
public sealed class KeyRotation(RegistrySettings settings, RegistryState state, Sequencer sequencer, Enrolment enrolment, DidLogs didLogs, TimeProvider clock)
{
    // A key a day for three years. Each is a line of the agent's DID log, which resolvers read up to 4,096 lines of.
    private const int KeysMax = 1_000;

    /// <summary>The agent gives itself another key. The same again answers the same.</summary>
    /// <param name="proof">The new key's.</param>
    /// <param name="consent">That of the key that ends.</param>
    public async Task<Outcome<AgentRecord>> RotateAsync(string proof, string consent)
    {
        var (made, given) = (Read(proof), Read(consent));
        if (made.IsRefused || given.IsRefused)
            return Refused.Because(made.IsRefused ? made.Refusal : given.Refusal, made.Detail ?? given.Detail);
        if (!made.Value.IsOtherOf(given.Value))
            return Refused.Because(Refusal.ProofInvalid, "The two proofs are not about one agent, or do not name each other's key.");
        if (state.FindAgent(made.Value.Agent) is not { } agent)
            return Refused.Because(Refusal.AgentUnknown, "No agent has that id.");
        if (agent.FindKey(given.Value.Key.KeyId) is null)
            return Refused.Because(Refusal.WrongKey, "The key that consents is not the agent's.");
        if (agent.Keys?.All.Count() >= KeysMax && agent.FindKey(made.Value.Key.KeyId) is null)
            return Refused.Because(Refusal.QuotaExceeded, $"The agent has had {KeysMax} keys; an operator can still replace the one of now.");
        return await RotateAsync(agent, made.Value, new AgentKeyRotated(agent.Id, given.Value.Key.KeyId, made.Value.Key, proof, consent, Order: null)).ConfigureAwait(false);
    }

    /// <summary>Whoever has the token of an order gives the agent another key. The same again answers the same.</summary>
    public async Task<Outcome<AgentRecord>> ReplaceAsync(string proof, string token)
    {
        var tokenHash = Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token));
        if (state.FindOrdered(tokenHash) is not { Order: { } order } agent)
            return Refused.Because(Refusal.TokenInvalid, "That is not the token of an order that stands.");
        var made = Read(proof);
        if (made.IsRefused)
            return Refused.Because(made.Refusal, made.Detail);
        if (made.Value.Agent != agent.Id || made.Value.TokenHash != tokenHash)
            return Refused.Because(Refusal.ProofInvalid, "The proof is for another agent, or for another token.");
        return await RotateAsync(agent, made.Value, new AgentKeyRotated(agent.Id, agent.Key.KeyId, made.Value.Key, proof, Consent: null, order.Index)).ConfigureAwait(false);
    }

    private Outcome<RotationProof> Read(string text)
    {
        var refusal = RotationProof.Read(text, settings.Name.PublicUrl, clock.GetUtcNow(), out var proof);
        if (refusal != Refusal.None)
            return Refused.Because(refusal, "The rotation proof is not a good one: docs/formats.md, \"Rotation proof\".");
        return enrolment.IsGoodChallenge(proof!.Challenge)
            ? proof
            : Refused.Because(Refusal.ChallengeInvalid, "The proof's nonce is not a challenge of this instance, or is older than five minutes; ask BeginEnroll for one.");
    }

    private async Task<Outcome<AgentRecord>> RotateAsync(AgentRecord agent, RotationProof made, AgentKeyRotated rotated)
    {
        // Signed here and not by the writer, and for nobody whose key is not the agent's any more: the whole DID log is read for it.
        var line = agent.Key.KeyId == rotated.Retired ? didLogs.LineOf(agent, made.Key) : null;
        var decided = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, draft.State.FindAgent(agent.Id)!, rotated, line)).ConfigureAwait(false);
        return decided.IsRefused ? Refused.Because(decided.Refusal, decided.Detail) : state.FindAgent(agent.Id)!;
    }

    private Outcome<bool> Decide(Draft draft, AgentRecord agent, AgentKeyRotated rotated, DidLine? line)
    {
        var present = draft.KeyOf(agent).KeyId;
        if (present == rotated.Key.KeyId)
            return rotated.Order is null || agent.IsOrderRedeemed || present != agent.Key.KeyId
                ? true
                : Refused.Because(Refusal.KeyAlreadyEnrolled, "The key is the one that shall be replaced.");
        if (present != rotated.Retired)
            return Refused.Because(Refusal.KeyRotated, "The agent has another key since.");
        if (rotated.Order is { } order && CheckOrder(draft, agent, order) is { } over)
            return over;
        if (draft.IsAgentKey(rotated.Key.KeyId))
            return Refused.Because(Refusal.KeyAlreadyEnrolled, "The key is, or was, an agent's.");
        if (draft.IsCallerTaken(rotated.Key.KeyId))
            return Refused.Because(Refusal.KeyAlreadyRegistered, "The key belongs to a caller that is not an agent.");
        // The credential would stand behind the rotation, and be of the key before.
        if (draft.PendingIssuance(agent.Id) is not null)
            return Refused.Because(Refusal.Overloaded, "A credential is being made for the agent's key of now; try again.");
        if (CheckStanding(draft, agent, rotated) is var stopped and not Refusal.None)
            return Refused.Because(stopped, "The agent may not have another key now.");
        if (line is not null && !didLogs.IsNext(draft, line))
            return DidLogs.ChangedMeanwhile;

        draft.Stage(agent.Id, rotated, agent.Id);
        if (line is not null)
            DidLogs.Stage(draft, agent.Id, line);
        return true;
    }

    // Whoever holds a key that is stopped does not get out of it by another one; only an order replaces it.
    private static Refusal CheckStanding(Draft draft, AgentRecord agent, AgentKeyRotated rotated)
    {
        // A cut of this group is not in force yet; who comes a moment later meets it.
        if (rotated.Order is null && draft.HasCut)
            return Refusal.Overloaded;
        var old = rotated.Order is null ? RefusalToExchange(draft, agent, rotated.Retired) : Refusal.None;
        return old != Refusal.None ? old : draft.Standing.Of(agent, rotated.Key.KeyId).Ended;
    }

    // What is stopped with the key, a mere restriction or a cut too, must not end with it.
    private static Refusal RefusalToExchange(Draft draft, AgentRecord agent, KeyId key)
    {
        var ended = draft.Standing.Of(agent, key, DenyState.Now).Ended;
        return ended != Refusal.None ? ended : draft.State.Stops.DenyState.OfKey(key).Refusal;
    }

    private static Refused? CheckOrder(Draft draft, AgentRecord agent, LeafIndex order)
    {
        if (agent.Order is not { } held || held.Index != order || draft.Entries.Any(staged => staged.Entry.Body is KeyReplacementOrdered newer && newer.AgentId == agent.Id))
            return Refused.Because(Refusal.TokenInvalid, "Another order has taken the place of that one.");
        if (agent.IsOrderRedeemed)
            return Refused.Because(Refusal.TokenUsedUp, "The token has been used.");
        return draft.At >= held.ExpiresAt ? Refused.Because(Refusal.TokenExpired, "The token has expired.") : null;
    }
}
