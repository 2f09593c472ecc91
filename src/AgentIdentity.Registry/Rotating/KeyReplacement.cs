using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;

namespace AgentIdentity.Registry.Rotating;

/// <summary>An order that stands. The token's text is handed out once and not kept.</summary>
/// <param name="Token">What lets another key in.</param>
/// <param name="ExpiresAt">Ms since 1970.</param>
/// <param name="Index">The entry that orders it.</param>
/// <param name="Stop">What stopped the old key; null when that was done before.</param>
/// <param name="Cut">What cuts off whom the old key has vouched for; null when there is nobody, or that was done before.</param>
public sealed record ReplacementMade(string Token, long ExpiresAt, LeafIndex Index, Stopped? Stop, Decided? Cut);

/// <summary>
/// Orders that an agent be given another key, since somebody else may have its own: the old key is stopped first, for ever; whom it may have vouched for in other hands is cut off; and one token lets one new key in.
/// </summary>
public sealed class KeyReplacement(RegistryState state, Sequencer sequencer, Stopping.Stopping stopping)
{
    // Long enough to carry a token to where the agent runs.
    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(1);

    /// <summary>Stops the key and hands out a token. Asked again, it hands out another token, and the first is good no longer.</summary>
    /// <param name="actor">Who orders it.</param>
    /// <param name="agent">Whose key.</param>
    /// <param name="reason">For the record.</param>
    /// <param name="incident">What ties it to stops; may be empty.</param>
    /// <param name="after">The last entry at which the key was surely in no other hands. Null: nobody can tell, and whomever it has vouched for is cut off.</param>
    public async Task<Outcome<ReplacementMade>> OrderAsync(CallerRecord actor, AgentRecord agent, string reason, string incident, LeafIndex? after)
    {
        if (agent.IsProbe)
            return Refused.Because(Refusal.NotPermitted, "That agent is the registry's own: nobody has its key, and nobody is given one. Stop it if it is not wanted.");
        // Before the key is stopped for ever.
        if (after?.Value >= state.Position)
            return Refused.Because(Refusal.EntryUnknown, $"There is no entry {after} yet.");
        var retired = agent.Key.KeyId;
        var stopped = await stopping.StopAsync(actor, new StopWish(Scope.Key(retired), StandingState.Revoked, reason, incident)).ConfigureAwait(false);
        if (stopped.IsRefused && stopped.Refusal != Refusal.AlreadyRevoked)
            return Refused.Because(stopped.Refusal, stopped.Detail);
        var cut = await CutAsync(actor, agent, reason, incident, after).ConfigureAwait(false);
        if (cut.IsRefused)
            return Refused.Because(cut.Refusal, cut.Detail);
        var token = "air_" + CanonicalBase64Url.Encode(RandomNumberGenerator.GetBytes(32));
        var tokenHash = Sha256.Hash(Encoding.UTF8.GetBytes(token));
        return await sequencer.DecideAsync<ReplacementMade>(Lane.Ordinary, draft =>
        {
            // The stop of the old key stands all the same; what lets another in is an operator's to hand out.
            if (draft.Objection(actor) is { } objection)
                return objection;
            if (draft.KeyOf(draft.State.FindAgent(agent.Id)!).KeyId != retired)
                return Refused.Because(Refusal.KeyRotated, $"The agent was given another key at this moment, and {retired} is stopped: ask again if that one is not to be trusted either.");
            // By the ledger's time, as it is held against: this machine's clock may be behind that.
            var expiresAt = draft.At + (long)TokenLife.TotalMilliseconds;
            var index = draft.Stage(actor.Id, new KeyReplacementOrdered(agent.Id, tokenHash, expiresAt, reason), agent.Id);
            return new ReplacementMade(token, expiresAt, index, stopped.IsRefused ? null : stopped.Value, cut.Value);
        }).ConfigureAwait(false);
    }

    // Behind the stop, so that nobody is vouched for in between. It freezes and is lifted by two people: honest agents may be among them.
    private async Task<Outcome<Decided?>> CutAsync(CallerRecord actor, AgentRecord agent, string reason, string incident, LeafIndex? after)
    {
        var key = agent.Key.KeyId;
        if (after is null && state.Reach.VouchedFor(agent, key, agent.KeySince).Count == 0)
            return (Decided?)null;
        var cut = await stopping.CutAsync(actor, Scope.Key(key), after ?? agent.KeySince, reason, incident, []).ConfigureAwait(false);
        // One that reaches as far is there already.
        return cut.Refusal == Refusal.NeedsTwoOperators ? (Decided?)null : cut.IsRefused ? Refused.Because(cut.Refusal, cut.Detail) : cut.Value;
    }
}
