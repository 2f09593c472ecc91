using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Ruling;

/// <summary>What one rule has counted of each agent. In memory only, and of so many agents at most.</summary>
internal sealed class AgentCounts(long ticksPerSecond)
{
    /// <summary>Agents that are counted at a time, each with up to <see cref="StopRule.CountMax"/> times: 10 MB when all of them are busy, and nothing that anybody can make grow.</summary>
    public const int AgentsMax = 4096;

    // Owned by whoever holds the gate.
    private readonly object _gate = new();
    private readonly Dictionary<SubjectId, LastTimes> _agents = [];
    private StopRule? _rule;

    /// <summary>Counts once. The entries that were named, when it has happened as often as the rule takes: counting then begins anew.</summary>
    public IReadOnlyList<LeafIndex>? Add(StopRule rule, SubjectId agent, long now, LeafIndex? entry)
    {
        lock (_gate)
        {
            // What was counted for another number of times, or another window, says nothing about this rule.
            if (_rule != rule)
                _agents.Clear();
            _rule = rule;
            var times = Times(rule, agent);
            times.Add(now, entry);
            if (!times.AreWithin(rule.Seconds * ticksPerSecond, now))
                return null;
            _agents.Remove(agent);
            return times.Entries;
        }
    }

    /// <summary>Called when the agent is stopped: what it did until then is answered by that.</summary>
    public void Forget(SubjectId agent)
    {
        lock (_gate)
            _agents.Remove(agent);
    }

    private LastTimes Times(StopRule rule, SubjectId agent)
    {
        if (_agents.TryGetValue(agent, out var known))
            return known;
        // Whoever was quiet for longest is the least loss.
        if (_agents.Count >= AgentsMax)
            _agents.Remove(_agents.MinBy(counted => counted.Value.Newest).Key);
        return _agents[agent] = new LastTimes((int)rule.Count);
    }
}
