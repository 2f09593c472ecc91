using System.Collections.Concurrent;

namespace AgentIdentity.Registry.State;

/// <summary>Agents by something that many of them share. Each agent's place names the one before it in its group, so that a million agents cost four bytes each.</summary>
/// <remarks>Added to by the writer, in the order of enrolment; read by any thread.</remarks>
internal sealed class AgentGroups
{
    private const int NoneBefore = -1;

    private readonly ConcurrentDictionary<string, int> _newest = new(StringComparer.Ordinal);

    // By place. It may move while it grows; what a reader holds stays as it was.
    private readonly List<int> _before = [];

    /// <summary>Takes the agent at the next place.</summary>
    public void Add(string group, int place)
    {
        if (place != _before.Count)
            throw new InvalidOperationException($"Place {_before.Count} is the next, not {place}.");
        _before.Add(_newest.TryGetValue(group, out var newest) ? newest : NoneBefore);
        _newest[group] = place;
    }

    /// <summary>The places of a group's agents, newest first.</summary>
    public IEnumerable<int> Of(string group)
    {
        for (var place = _newest.TryGetValue(group, out var newest) ? newest : NoneBefore; place != NoneBefore; place = _before[place])
            yield return place;
    }
}
