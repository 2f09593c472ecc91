using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Watching;

/// <summary>Puts on the record what enforcers raise alarms for, and no more of it than people can read.</summary>
internal sealed class Alarming(Sequencer sequencer, Action<string> say)
{
    // What goes on is told again each minute; what is told oftener is counted where refused calls are, since to write down all would be a way to flood the ledger.
    private const int AlarmsInWindowMax = 16;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>True when it was put on the record, false when there was enough of it.</summary>
    public async Task<Outcome<bool>> TakeAsync(State.CallerRecord enforcer, EnforcerAlarmed alarm)
    {
        if (!alarm.IsWellFormed)
            return Refused.Because(Refusal.MessageMalformed, $"An alarm has a name of A to Z and _ ({EnforcerAlarmed.NameMax} at most), one line of detail ({EnforcerAlarmed.DetailMax}) and a time.");
        var written = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, alarm)).ConfigureAwait(false);
        if (written is { IsRefused: false, Value: true })
            say($"Enforcer '{enforcer.Name}' raises {alarm.Name}: {alarm.Detail}");
        return written;
    }

    private static Outcome<bool> Decide(Draft draft, EnforcerAlarmed alarm)
    {
        var recent = draft.State.Enforcers.Find(alarm.Enforcer).Alarms.Where(raised => raised.At > draft.At - (long)Window.TotalMilliseconds).ToArray();
        if (recent.Length >= AlarmsInWindowMax || Array.Exists(recent, raised => raised.Name == alarm.Name))
            return false;
        draft.Stage(alarm.Enforcer, alarm, alarm.Enforcer);
        return true;
    }
}
