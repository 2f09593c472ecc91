using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>Many agents in memory as a start makes them from a snapshot, and a ledger with what the questions look up there: activities of a few, and issuances.</summary>
internal sealed class RespondersWorld
{
    public const string Vault = "https://vault.example/1";

    // A hundred agents to a token; a quarter of all are of one blueprint.
    private const int TokenAgents = 100;
    private const int Blueprints = 1000;
    private const int Sponsors = 200;
    private const int Stops = 1000;
    private const int Group = 512;

    // One entry in so many is an issuance; the others are activities of as many agents as this.
    private const int IssuanceEvery = 20;
    private const int BusyAgents = 200;

    private readonly Random _chance;
    private readonly RegistryName _name;
    private readonly long _now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
    private readonly SubjectId _registry;
    private readonly ulong[] _sequences = new ulong[BusyAgents];
    private readonly Dictionary<SubjectId, ulong> _counts = [];

    // Credentials that the ledger holds.
    private readonly List<SubjectId> _issued = [];

    public RespondersWorld(ILedgerStore store, int agents, int entries, Random chance)
    {
        _chance = chance;
        if (!RegistryName.TryParse(RegistryWire.PublicUrl, out _name!, out var problem))
            throw new InvalidOperationException(problem);
        _registry = Id();
        Entries = entries;
        Agents = Enrol(agents);
        State = RegistryState.From(new StateCopy(
            (ulong)entries, 0, _now, StatusPlacesCopy.None, null, [], [], [(Agents[0].Key, default)], Agents, [], [], [], null, StopSome(), [], new LineageCopy(Delegate(), [], []), [], null, []));
        Fill(store);
        Responding = new Responding(State, store, _name, new RecentDecisions(), TimeProvider.System);
    }

    public int Entries { get; }

    public AgentRecord[] Agents { get; }

    public RegistryState State { get; }

    public Responding Responding { get; }

    public AgentRecord AnyAgent() => Agents[_chance.Next(Agents.Length)];

    public AgentRecord BusyAgent() => Agents[_chance.Next(BusyAgents)];

    public SubjectId AnyIssued() => _issued[_chance.Next(_issued.Count)];

    public LeafIndex AnyEntry() => new((ulong)_chance.Next(Entries / 2, Entries));

    private AgentRecord[] Enrol(int count)
    {
        var agents = new AgentRecord[count];
        var (grant, token) = (Grant(0), Id());
        for (var i = 0; i < count; i++)
        {
            if (i % TokenAgents == 0)
                (grant, token) = (Grant(i), Id());
            var agent = new AgentRecord(Id(), Key(), token, grant, _now, new LeafIndex((ulong)((long)i * Entries / 2 / count)));
            var item = new IssuanceItem(Id(), agent.Id, agent.Key.KeyId, grant.Terms.Audiences, _now / 1000, (_now / 1000) + 900, (ulong)i, default);
            agents[i] = agent with { Credentials = [new LiveCredential(item, agent.EnrolledIndex, 0)] };
        }
        return agents;
    }

    // One token in fifty may call an agent; one in twenty may use the vault.
    private AgentGrant Grant(int first)
    {
        var blueprint = _chance.Next(4) == 0 ? "common/1" : $"b/{_chance.Next(Blueprints)}";
        var location = _chance.Next(20) == 0 ? "https://vault.example/*" : "https://notes.example/*";
        var audience = _chance.Next(50) == 0 ? _name.AgentDid(new SubjectId((UInt128)_chance.Next())) : "https://tool.example";
        var envelope = $$"""[{"actions":["read"],"locations":["{{location}}"],"type":"notes"}]""";
        return AgentGrant.Of(new Grant($"sponsor {first / TokenAgents % Sponsors}", blueprint, [], envelope, [audience]));
    }

    private List<StopRecord> StopSome()
    {
        var stops = new List<StopRecord>(Stops);
        for (var i = 0; i < Stops; i++)
        {
            var index = new LeafIndex((ulong)((Entries / 2) + i));
            var record = new StopRecord(new Denial(index, (ulong)i + 1, StandingState.Frozen, Scope.Agent(AnyAgent().Id)), _registry, "odd calls", "", _now) { Exposure = new StopExposure(null, [], [], 0) };
            stops.Add(i % 2 == 0 ? record with { Lifted = new Lifting(new LeafIndex(index.Value + Stops), (ulong)i + 1, _now) } : record);
        }
        return stops;
    }

    // One edge for four agents, from an earlier to a later one, so that chains grow and nothing turns in a circle.
    private List<DelegationEdge> Delegate()
    {
        var edges = new List<DelegationEdge>();
        for (var i = 1; i < Agents.Length; i += 4)
        {
            var index = new LeafIndex((ulong)_chance.Next(Entries / 2, Entries));
            edges.Add(new DelegationEdge(Agents[_chance.Next(Math.Max(0, i - 10_000), i)].Id, Agents[i].Id, index, index, 1));
        }
        return edges;
    }

    private void Fill(ILedgerStore store)
    {
        for (var first = 0; first < Entries; first += Group)
            store.Append(new LeafIndex((ulong)first), [.. Enumerable.Range(first, Math.Min(Group, Entries - first)).Select(Row)]);
    }

    // A millisecond apart, up to now.
    private StoredEntry Row(int i)
    {
        var at = _now - Entries + i;
        var busy = _chance.Next(BusyAgents);
        var agent = Agents[busy];
        var sequence = new SubjectSequence(agent.Id, _counts.GetValueOrDefault(agent.Id));
        _counts[agent.Id] = sequence.Sequence + 1;
        EntryBody body = i % IssuanceEvery == 0 ? new CredentialsIssued(default, 1) : new Activity(Statement(busy, agent), KeyAlgorithm.Ed25519, new byte[64], Quarantined: false);
        var items = body is CredentialsIssued ? new[] { Item(agent, at) } : [];
        if (items.Length == 0)
            State.Recent.Add(busy, new LeafIndex((ulong)i));
        var entry = new Entry(at, [new EntrySubject(agent.Id, sequence.Sequence + 1)], agent.Id, body);
        return new StoredEntry(new LeafIndex((ulong)i), new byte[67], entry.Encode(), new Opening(default, [], items).Encode(), [sequence]);
    }

    private byte[] Item(AgentRecord agent, long at)
    {
        var jti = SubjectId.New(DateTimeOffset.FromUnixTimeMilliseconds(at));
        _issued.Add(jti);
        return new IssuanceItem(jti, agent.Id, agent.Key.KeyId, agent.Grant.Terms.Audiences, at / 1000, (at / 1000) + 900, 0, default).Encode();
    }

    private byte[] Statement(int busy, AgentRecord agent) =>
        SignedStatement.Encode(RegistryWire.Origin, agent.Id, agent.Key.KeyId, _sequences[busy]++, default, 1, StatementKind.Activity, new Hash[1]);

    private SubjectId Id() => SubjectId.New(DateTimeOffset.FromUnixTimeMilliseconds(_now));

    // Nobody signs with it.
    private PublicKey Key()
    {
        var bytes = new byte[32];
        _chance.NextBytes(bytes);
        return PublicKey.TryRead(KeyAlgorithm.Ed25519, bytes, out var key) ? key : Key();
    }
}
