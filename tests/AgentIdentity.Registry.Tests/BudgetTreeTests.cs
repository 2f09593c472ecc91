using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Tests;

/// <summary>Random trees of links with budgets, grown and used through the writer's own questions, in groups that are applied together, and held against sums over whole subtrees.</summary>
public sealed class BudgetTreeTests
{
    private const int TreesByDefault = 100_000;
    private static readonly string[] Units = ["a", "b"];

    private static int Trees =>
        int.TryParse(Environment.GetEnvironmentVariable("AGENTIDENTITY_TEST_DELEGATION_TREES"), out var trees) ? trees : TreesByDefault;

    [Fact]
    public void No_agent_and_no_set_of_siblings_ever_spends_or_is_given_more_than_what_the_one_above_has()
    {
        const int seed = 20271;
        var random = new Random(seed);
        var state = new RegistryState();
        var world = new World(state, new Standing(state), random);
        for (var tree = 0; tree < Trees; tree++)
        {
            world.Begin(tree);
            for (var step = random.Next(6, 20); step > 0; step--)
            {
                if (world.Step() is { } wrong)
                    Assert.Fail($"seed {seed}, tree {tree}: {wrong}");
            }
        }
        Assert.InRange(world.Links, Trees, int.MaxValue);
        Assert.InRange(world.Uses, Trees, int.MaxValue);
        Assert.InRange(world.Refusals, Trees, int.MaxValue);
    }

    /// <summary>One tree: what the writer thinks of it, and beside it a list of links and a list of uses that know nothing of counters.</summary>
    private sealed class World(RegistryState state, Standing standing, Random random)
    {
        private readonly List<(int Above, SubjectId Jti, ulong?[] Budgets)> _links = [];
        private readonly List<(int Link, int Unit, ulong Amount)> _uses = [];
        private readonly List<BudgetSpent> _pending = [];
        private Draft _draft = null!;
        private long _seconds;
        private uint _next;
        private SubjectId _root;

        public int Links { get; private set; }

        public int Uses { get; private set; }

        public int Refusals { get; private set; }

        public void Begin(int tree)
        {
            // What the tree before left is forgotten when the first link is added.
            _seconds = 1000L * (tree + 1);
            _links.Clear();
            _uses.Clear();
            _pending.Clear();
            _root = Id();
            NewGroup();
            for (var i = random.Next(1, 3); i > 0; i--)
                Add(-1, Wanted());
        }

        public string? Step() => random.Next(5) switch
        {
            0 or 1 => PassOn(random.Next(_links.Count)),
            2 => Commit(),
            _ => Spend(random.Next(_links.Count)),
        };

        private string? PassOn(int above)
        {
            var wanted = Wanted();
            var isRefused = Delegating.Delegating.CheckBudgets(_draft, _links[above].Jti, Listed(wanted)) is not null;
            var fits = Enumerable.Range(0, Units.Length).All(unit => wanted[unit] is not { } amount || amount <= Left(above, unit));
            if (isRefused == fits)
                return $"{Describe(wanted)} from {Describe(_links[above].Budgets)}: refused {isRefused}, and it fits: {fits}";
            if (isRefused)
                Refusals++;
            else
                Add(above, wanted);
            return null;
        }

        private string? Spend(int link)
        {
            var (unit, amount) = (random.Next(Units.Length), (ulong)random.Next(1, 6));
            var isAllowed = amount <= _draft.BudgetLeft(_links[link].Jti, Units[unit]);
            if (isAllowed != amount <= Left(link, unit))
                return $"{amount} {Units[unit]} of {Describe(_links[link].Budgets)}: allowed {isAllowed}, and {Left(link, unit)} are left";
            if (!isAllowed)
            {
                Refusals++;
                return null;
            }
            var body = new BudgetSpent(_links[link].Jti, [new Budget(Units[unit], amount)]);
            _draft.Stage(_root, body, _root);
            _pending.Add(body);
            _uses.Add((link, unit, amount));
            Uses++;
            return FirstOverspent();
        }

        // The group becomes durable: what was pending is counted for good.
        private string? Commit()
        {
            foreach (var body in _pending)
                state.Lineage.Spend(new LeafIndex(_next++), body);
            _pending.Clear();
            NewGroup();
            return null;
        }

        private string? FirstOverspent()
        {
            for (var link = 0; link < _links.Count; link++)
            {
                for (var unit = 0; unit < Units.Length; unit++)
                {
                    if (SpentBelow(link, unit) > (_links[link].Budgets[unit] ?? 0))
                        return $"{SpentBelow(link, unit)} {Units[unit]} were spent under {Describe(_links[link].Budgets)}";
                }
            }
            return null;
        }

        private void Add(int above, ulong?[] budgets)
        {
            var jti = Id();
            var (parent, parentJti) = above < 0 ? (_root, _root) : (_links[above].Jti, _links[above].Jti);
            state.Lineage.Add(new LeafIndex(_next++), new Delegated(parent, parentJti, jti, jti, "", [], _seconds + 900, 1, Listed(budgets)), _seconds * 1000);
            _links.Add((above, jti, budgets));
            Links++;
        }

        private void NewGroup() => _draft = new Draft(state, standing, DateTimeOffset.FromUnixTimeSeconds(_seconds));

        private ulong? Left(int link, int unit)
        {
            ulong? least = null;
            for (var at = link; at >= 0; at = _links[at].Above)
            {
                if (_links[at].Budgets[unit] is not { } budget)
                    return null;
                least = Math.Min(least ?? budget, budget - SpentBelow(at, unit));
            }
            return least;
        }

        private ulong SpentBelow(int link, int unit) =>
            _uses.Where(use => use.Unit == unit && IsUnder(use.Link, link)).Aggregate(0UL, (sum, use) => sum + use.Amount);

        private bool IsUnder(int link, int above)
        {
            while (link > above)
                link = _links[link].Above;
            return link == above;
        }

        private ulong?[] Wanted() => [.. Units.Select(_ => random.Next(5) == 0 ? (ulong?)null : (ulong)random.Next(1, 12))];

        private static Budget[] Listed(ulong?[] budgets) => [.. Units.Zip(budgets).Where(pair => pair.Second is not null).Select(pair => new Budget(pair.First, pair.Second!.Value))];

        private static string Describe(ulong?[] budgets) => $"[{string.Join(", ", Units.Zip(budgets, (unit, amount) => $"{unit}={amount?.ToString() ?? "none"}"))}]";

        private SubjectId Id()
        {
            Span<byte> bytes = stackalloc byte[SubjectId.Size];
            random.NextBytes(bytes);
            return SubjectId.Read(bytes);
        }
    }
}
