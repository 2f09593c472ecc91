using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>Walks over random worlds, held against all distances computed from a table of edges.</summary>
public sealed class GraphOracleTests
{
    private const int Worlds = 300;
    private const int Far = 1000;

    [Fact]
    public void Every_walk_comes_to_whom_the_table_of_edges_leads_over_as_few_hops()
    {
        using var store = SqliteLedgerStore.Open(TestNode.NewFolder());
        for (var seed = 1; seed <= Worlds; seed++)
        {
            var world = new RandomWorld(store, new Random(seed));
            var at = new AsOf(new LeafIndex((ulong)world.Chance.Next(world.Entries)), 0, IsNow: false);
            var scope = Scope.Agent(world.Ids[world.Chance.Next(world.Ids.Length)]);
            foreach (var kinds in new[] { EdgeKinds.DelegatesTo, EdgeKinds.Calls | EdgeKinds.DelegatesTo, EdgeKinds.All })
                Equal(seed, world.Distances(kinds, at, [scope.Id]), world.Graphs.BlastRadius(scope, kinds, Graphs.HopsMax, at, new Page(0, Page.SizeMax)));
            var holders = world.Ids.Where((_, agent) => world.Holds[agent]);
            Equal(seed, world.Distances(EdgeKinds.DelegatesTo, at, [.. holders]), world.Graphs.PathTo(RandomWorld.Target, at, new Page(0, Page.SizeMax)));
        }
    }

    private static void Equal(int seed, Dictionary<SubjectId, int> expected, WalkAnswer answer)
    {
        var found = answer.Reached.Items.ToDictionary(reached => reached.Agent.Id, reached => reached.Hops);
        Assert.True(expected.Count == found.Count && expected.All(pair => found.TryGetValue(pair.Key, out var hops) && hops == pair.Value), $"Seed {seed}: another walk than the table's.");
        Assert.Equal(found.Values.Order(), answer.Reached.Items.Select(reached => reached.Hops));
        Assert.All(answer.Reached.Items.Where(reached => reached.Hops > 0), reached => Assert.Equal(reached.Hops - 1, found[reached.Via!.Value]));
        Assert.Equal(answer.ByHops, Enumerable.Range(0, answer.ByHops.Count).Select(hops => found.Values.Count(other => other == hops)));
    }

    /// <summary>Agents with random blueprints, envelopes, callees and delegations, each of them from an entry on.</summary>
    private sealed class RandomWorld
    {
        public const string Target = "vault/1";
        private const int Agents = 14;

        private readonly int[,] _delegated = new int[Agents, Agents];
        private readonly int[] _callee = new int[Agents];
        private readonly int[] _blueprint = new int[Agents];

        public RandomWorld(ILedgerStore store, Random chance)
        {
            Chance = chance;
            Assert.True(RegistryName.TryParse(TestNode.Url, out var name, out _));
            for (var agent = 0; agent < Agents; agent++)
                (Ids[agent], Holds[agent], _callee[agent], _blueprint[agent]) = (new SubjectId((UInt128)(agent + 1)), chance.Next(4) == 0, chance.Next(3) == 0 ? chance.Next(Agents) : -1, chance.Next(8));
            var state = StateCopies.Of([.. Ids.Select((_, agent) => Agent(agent, name))], Links(chance), (ulong)Entries);
            Graphs = new Responding(state, store, name, new Verifying.RecentDecisions(), TimeProvider.System).Graphs;
        }

        public Random Chance { get; }

        public int Entries { get; } = Agents * 3;

        public SubjectId[] Ids { get; } = new SubjectId[Agents];

        public bool[] Holds { get; } = new bool[Agents];

        public Graphs Graphs { get; }

        // Floyd's algorithm, which shares nothing with a walk.
        public Dictionary<SubjectId, int> Distances(EdgeKinds kinds, AsOf at, IReadOnlyList<SubjectId> from)
        {
            var known = Enumerable.Range(0, Agents).Where(agent => agent <= (int)at.Entry.Value).ToArray();
            var distance = new int[Agents, Agents];
            foreach (var (a, b) in known.SelectMany(a => known.Select(b => (a, b))))
                distance[a, b] = a == b ? 0 : IsEdge(a, b, kinds, at) ? 1 : Far;
            foreach (var middle in known)
            {
                foreach (var (a, b) in known.SelectMany(a => known.Select(b => (a, b))))
                    distance[a, b] = Math.Min(distance[a, b], distance[a, middle] + distance[middle, b]);
            }
            return known.Select(b => (b, Least: known.Where(a => from.Contains(Ids[a])).Select(a => distance[a, b]).Append(Far).Min()))
                .Where(pair => pair.Least < Far).ToDictionary(pair => Ids[pair.b], pair => pair.Least);
        }

        private bool IsEdge(int a, int b, EdgeKinds kinds, AsOf at) =>
            (kinds.HasFlag(EdgeKinds.DelegatesTo) && _delegated[a, b] > 0 && _delegated[a, b] <= (int)at.Entry.Value)
            || (kinds.HasFlag(EdgeKinds.Calls) && _callee[a] == b)
            || (kinds.HasFlag(EdgeKinds.SameBlueprint) && _blueprint[a] == _blueprint[b]);

        private AgentRecord Agent(int agent, RegistryName name)
        {
            var envelope = TestNode.Envelope.Replace("notes/*", Holds[agent] ? "vault/*" : "notes/*", StringComparison.Ordinal);
            var grant = AgentGrant.Of(new Grant("team", $"b/{_blueprint[agent]}", [], envelope, [_callee[agent] >= 0 ? name.AgentDid(Ids[_callee[agent]]) : TestNode.Audience]));
            return new AgentRecord(Ids[agent], StateCopies.Key(agent), default, grant, 0, new LeafIndex((ulong)agent));
        }

        private List<DelegationEdge> Links(Random chance)
        {
            var edges = new List<DelegationEdge>();
            for (var index = Agents; index < Entries; index++)
            {
                var (a, b) = (chance.Next(Agents), chance.Next(Agents));
                if (a == b || _delegated[a, b] > 0)
                    continue;
                _delegated[a, b] = index;
                edges.Add(new DelegationEdge(Ids[a], Ids[b], new LeafIndex((ulong)index), new LeafIndex((ulong)index), 1));
            }
            return edges;
        }
    }
}
