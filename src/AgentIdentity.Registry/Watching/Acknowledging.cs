using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Holds what enforcers sign against what they were told, and puts on the record what raises the epoch of one.</summary>
internal sealed class Acknowledging(RegistrySettings settings, RegistryState state, Sequencer sequencer, SignedRoots roots)
{
    private readonly AcknowledgementBatches _batches = new(sequencer);

    public async Task<Outcome<bool>> TakeAsync(WatchStream stream, string token)
    {
        if (!Acknowledgement.TryRead(token, settings.Name.PublicUrl, out var signed, out var key))
            return Refuse("Its form, its claims, its aud or its signature is not as docs/formats.md, \"Acknowledgement\", says.");
        if (key.KeyId != stream.Enforcer.Key.KeyId)
            return Refuse("It is not signed by the key that watches here.");
        if (Problem(stream, signed) is { } problem)
            return Refuse(problem);
        if (!Raises(stream, signed) && !TellsOfRevokers(stream, signed))
            return true;
        var before = stream.SubmittedEpoch;
        stream.SubmittedEpoch = Math.Max(before, signed.Epoch);
        var written = await _batches.WriteAsync(stream.Enforcer, Encoding.ASCII.GetBytes(token)).ConfigureAwait(false);
        // When there is no room now, the next one is tried again.
        if (written.IsRefused)
            stream.SubmittedEpoch = before;
        return true;
    }

    private string? Problem(WatchStream stream, Acknowledgement signed)
    {
        if (signed.Origin != state.Log.Origin)
            return $"It is for the log {signed.Origin}, and this is {state.Log.Origin}.";
        if (!stream.Nonces.Contains(signed.Nonce))
            return "Its nonce was not sent on this stream.";
        if (signed.View != stream.View.Id)
            return "It is for another view.";
        if (signed.IsObserving != stream.IsObserving)
            return "It says otherwise than the stream began whether it refuses or only reports.";
        if (stream.View.DigestAt(signed.Epoch) is not { } digest)
            return $"Epoch {signed.Epoch} was not told to anybody who watches this view.";
        if (digest != signed.Digest)
            return $"The denials that it holds at epoch {signed.Epoch} are not those that it was told.";
        return signed.Size.Value > 0 && roots.Of(signed.Size) != signed.Root ? $"The log does not have the root that it names at size {signed.Size}." : null;
    }

    // What only says again what is on the record stays in memory: a thousand enforcers say it every three seconds.
    private bool Raises(WatchStream stream, Acknowledgement signed) =>
        signed.Epoch > stream.SubmittedEpoch
        && (state.Enforcers.Find(stream.Enforcer.Id).Newest is not { } newest || signed.Epoch > newest.Epoch || newest.IsObserving != signed.IsObserving);

    private bool TellsOfRevokers(WatchStream stream, Acknowledgement signed) =>
        signed.Revokers.Count > 0 && state.Enforcers.Find(stream.Enforcer.Id) is var record && signed.Revokers.Any(outcome => state.Stops.Find(outcome.Stop) is not null && record.RevokedUnder(outcome.Stop) != outcome);

    private static Refused Refuse(string problem) => Refused.Because(Refusal.AcknowledgementInvalid, $"The acknowledgement is not a good one: {problem}");
}
