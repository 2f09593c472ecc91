namespace AgentIdentity.Client.Enforcing;

/// <summary>What the registry owes, and by when. What does not come is an alarm, once. Owned by the watch.</summary>
internal sealed class Expectations(BootClock clock, Action<EnforcerAlarmKind, string> alarm)
{
    /// <summary>How long a proof may take: docs/formats.md, "Watch".</summary>
    public const long Patience = 5000;

    private readonly Dictionary<string, Owed> _owed = new(StringComparer.Ordinal);

    public void Expect(string what, EnforcerAlarmKind kind, string detail) => _owed.TryAdd(what, new Owed(clock.Milliseconds + Patience, kind, detail));

    public void Met(string what) => _owed.Remove(what);

    public void RaiseOverdue()
    {
        foreach (var (what, owed) in _owed.Where(owed => owed.Value.By <= clock.Milliseconds).ToArray())
        {
            _owed.Remove(what);
            alarm(owed.Kind, owed.Detail);
        }
    }

    private sealed record Owed(long By, EnforcerAlarmKind Kind, string Detail);
}
