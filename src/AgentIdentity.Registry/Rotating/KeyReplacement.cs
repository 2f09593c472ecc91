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
public sealed record ReplacementMade(string Token, long ExpiresAt, LeafIndex Index, Stopped? Stop);

/// <summary>Orders that an agent be given another key, since somebody else may have its own: the old key is stopped first, for ever, and one token lets one new key in.</summary>
public sealed class KeyReplacement(Sequencer sequencer, Stopping.Stopping stopping, TimeProvider clock)
{
    // Long enough to carry a token to where the agent runs.
    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(1);

    /// <summary>Stops the key and hands out a token. Asked again, it hands out another token, and the first is good no longer.</summary>
    public async Task<Outcome<ReplacementMade>> OrderAsync(CallerRecord actor, AgentRecord agent, string reason, string incident)
    {
        var retired = agent.Key.KeyId;
        var stopped = await stopping.StopAsync(actor, new StopWish(Scope.Key(retired), StandingState.Revoked, reason, incident)).ConfigureAwait(false);
        if (stopped.IsRefused && stopped.Refusal != Refusal.AlreadyRevoked)
            return Refused.Because(stopped.Refusal, stopped.Detail);
        var token = "air_" + CanonicalBase64Url.Encode(RandomNumberGenerator.GetBytes(32));
        var tokenHash = Sha256.Hash(Encoding.UTF8.GetBytes(token));
        var expiresAt = clock.GetUtcNow().Add(TokenLife).ToUnixTimeMilliseconds();
        var ordered = await sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => draft.KeyOf(draft.State.FindAgent(agent.Id)!).KeyId == retired
            ? draft.Stage(actor.Id, new KeyReplacementOrdered(agent.Id, tokenHash, expiresAt, reason), agent.Id)
            : Refused.Because(Refusal.KeyRotated, $"The agent was given another key at this moment, and {retired} is stopped: ask again if that one is not to be trusted either.")).ConfigureAwait(false);
        return ordered.IsRefused
            ? Refused.Because(ordered.Refusal, ordered.Detail)
            : new ReplacementMade(token, expiresAt, ordered.Value, stopped.IsRefused ? null : stopped.Value);
    }
}
