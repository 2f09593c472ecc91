using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Server.Tests.Kills;

/// <summary>An agent that records without a pause. What it sent and got no answer to, it sends again, as the same bytes.</summary>
internal sealed class Recorder(WireAgent agent, Acknowledged acknowledged, Random chance)
{
    private readonly List<(byte[] Statement, ulong Index)> _recorded = [];
    private Hash _previous;
    private byte[]? _open;

    public async Task RunAsync(RegistryWire registry)
    {
        while (true)
        {
            _open ??= SignedStatement.Encode(
                RegistryWire.Origin, agent.Id, agent.Key.PublicKey.KeyId, (ulong)_recorded.Count, _previous, 1, StatementKind.Activity, new Hash[1 + chance.Next(8)]);
            var answer = await registry.RecordAsync(agent.Key, _open);
            _previous = Sha256.Hash(_open);
            acknowledged.Statements[_previous] = answer.LedgerIndex;
            _recorded.Add((_open, answer.LedgerIndex));
            _open = null;
        }
    }

    /// <summary>The identical statement again, the newest and an older one, gets the first answer.</summary>
    public async Task RetryAsync(RegistryWire registry)
    {
        if (_recorded.Count == 0)
            return;
        foreach (var (statement, index) in new[] { _recorded[^1], _recorded[chance.Next(_recorded.Count)] })
        {
            var again = await registry.RecordAsync(agent.Key, statement);
            Assert.Equal(index, again.LedgerIndex);
        }
    }
}
