using System.Collections.Concurrent;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client.Enforcing;

/// <summary>Alarms that the registry has not been told of. They wait for a stream: many are what ended the last one.</summary>
/// <remarks>Raised on all threads, told by one.</remarks>
internal sealed class AlarmReports
{
    // Whoever has more than this to tell has been told of all of them by the tool itself.
    private const int WaitingMax = 64;

    // What the registry takes of each.
    private const int DetailMax = 512;

    private readonly ConcurrentQueue<EnforcerAlarm> _waiting = new();

    public void Add(EnforcerAlarm alarm)
    {
        // What the registry has said or done itself is no news to it.
        if (alarm.Kind is EnforcerAlarmKind.SingleOperator or EnforcerAlarmKind.WatchRefused or EnforcerAlarmKind.OrderObeyed || _waiting.Count >= WaitingMax)
            return;
        _waiting.Enqueue(alarm);
    }

    /// <summary>Hands over what waits. One that is not taken goes on waiting, and so do those behind it.</summary>
    public bool TryTell(Func<EnforcerMessage, bool> trySend)
    {
        while (_waiting.TryPeek(out var alarm))
        {
            if (!trySend(new EnforcerMessage { Alarm = Told(alarm) }))
                return false;
            _waiting.TryDequeue(out _);
        }
        return true;
    }

    private static WatchAlarm Told(EnforcerAlarm alarm)
    {
        var line = new string(alarm.Detail.Take(DetailMax).Select(letter => char.IsControl(letter) ? ' ' : letter).ToArray());
        return new WatchAlarm { Name = alarm.Name, Detail = line, RaisedAt = alarm.At.ToUnixTimeMilliseconds() };
    }
}
