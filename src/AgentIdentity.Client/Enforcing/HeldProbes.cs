using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;

namespace AgentIdentity.Client.Enforcing;

/// <summary>The probes that the registry has shown, and what became of the last one that rode along with a stop. docs/formats.md, "Probe".</summary>
/// <param name="open">Reads a probe as a credential that is presented; null when it is refused for itself.</param>
/// <param name="decide">Decides as about a request on a bound channel.</param>
/// <remarks>One thread at a time.</remarks>
internal sealed class HeldProbes(Func<string, BoundSession?> open, Func<BoundSession, Refusal> decide)
{
    // A registry shows a few at a time; the oldest have been replaced.
    private const int HeldMax = 32;

    private readonly List<Held> _held = [];

    /// <summary>What is said in each acknowledgement.</summary>
    public ProbeOutcome? Last { get; private set; }

    public void Hold(string credential)
    {
        if (open(credential) is not { } session)
            return;
        if (_held.Count == HeldMax)
            _held.RemoveAt(0);
        _held.Add(new Held(session));
    }

    /// <summary>Asked before each message, since any may deny: who was refused already proves nothing.</summary>
    public void Ask()
    {
        foreach (var probe in _held)
            probe.Before = decide(probe.Session);
    }

    /// <summary>Asked when denials are in force, before they are acknowledged: those that they name are used up.</summary>
    public void AskAgain(IReadOnlyList<Denial> denials)
    {
        foreach (var denial in denials)
        {
            foreach (var probe in _held.Where(probe => denial.Credentials.Contains(probe.Jti)).ToArray())
            {
                Last = new ProbeOutcome(probe.Jti, probe.Before, decide(probe.Session));
                _held.Remove(probe);
            }
        }
    }

    private sealed class Held(BoundSession session)
    {
        public BoundSession Session { get; } = session;

        public SubjectId Jti => Session.Shown.Jti;

        public Refusal Before { get; set; }
    }
}
