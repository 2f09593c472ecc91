using System.Diagnostics;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long the answers to responders' questions take with many agents, asked about now and about earlier entries in turn.</summary>
internal static class RespondersQuestion
{
    private static readonly Page First = new(0, 100);

    public static Task<int> AnswerAsync(int agents, int entries, int rounds, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-questions-");
        try
        {
            using var store = SqliteLedgerStore.Open(folder.FullName);
            var world = new RespondersWorld(store, agents, entries, new Random(seed));
            Console.WriteLine($"{agents:N0} agents, {agents / 4:N0} edges of delegation, {entries:N0} entries; {GC.GetTotalMemory(forceFullCollection: true) >> 20:N0} MiB in memory, load {Load()}");
            foreach (var (name, ask) in Questions(world))
                Measure(name, ask, world, rounds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return Task.FromResult(0);
    }

    private static IEnumerable<(string Name, Action<AsOf> Ask)> Questions(RespondersWorld world)
    {
        var (identities, graphs, conduct, trials) = (world.Responding.Identities, world.Responding.Graphs, world.Responding.Conduct, world.Responding.StopTrials);
        return
        [
            ("who-is, by agent", at => identities.WhoIs(new AskedAgent(world.AnyAgent().Id), at, First)),
            ("who-is, by credential, expired or not", at => identities.WhoIs(new AskedCredential(world.AnyIssued()), at, First)),
            ("chain", at => identities.ChainOfCommand(new AskedAgent(world.BusyAgent().Id), at, First)),
            ("descendants", at => graphs.Descendants(world.AnyAgent(), at, First)),
            ("ancestors", at => graphs.Ancestors(world.AnyAgent(), at, First)),
            ("what-did, 1,000 entries", at => conduct.WhatDid(world.BusyAgent(), Period.All, 0, Page.SizeMax, at)),
            ("could-have", at => conduct.CouldHave(world.BusyAgent(), at)),
            ("blast-radius, all edges, 3 hops", at => graphs.BlastRadius(Scope.Agent(world.AnyAgent().Id), EdgeKinds.All, 3, at, First)),
            ("blast-radius, all edges, 32 hops", at => graphs.BlastRadius(Scope.Agent(world.AnyAgent().Id), EdgeKinds.All, Graphs.HopsMax, at, First)),
            ("blast-radius of everything", at => graphs.BlastRadius(Scope.Everything, EdgeKinds.All, 3, at, First)),
            ("path-to", at => graphs.PathTo(RespondersWorld.Vault, at, First)),
            ("still-alive, the commonest blueprint", at => trials.StillAlive(new Scope(ScopeKind.Blueprint, "common/1"), at, First)),
            ("who-else, the commonest blueprint", at => identities.WhoElse(world.State.AgentAt(world.State.OfBlueprint("common/1").First()), at, First)),
            ("what-if, a sponsor", at => trials.WhatIf(new Scope(ScopeKind.Sponsor, "sponsor 1"), StandingState.Frozen, at, First)),
        ];
    }

    // The first is not counted: it is compiled then.
    private static void Measure(string name, Action<AsOf> ask, RespondersWorld world, int rounds)
    {
        var (took, used) = (new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var at = round % 2 == 0 ? world.Responding.Now() : world.Responding.At(world.AnyEntry()).Value;
            var (watch, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            ask(at);
            if (round == 0)
                continue;
            took.Add(watch.Elapsed.TotalMilliseconds);
            used.Add((Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        }
        Console.WriteLine($"{name}: p50 {Share(took, 0.5):N1} ms, p99 {Share(took, 0.99):N1} ms of {rounds} (goal 1,000); of processor {Share(used, 0.5):N1} and {Share(used, 0.99):N1} ms, load {Load()}");
    }

    private static double Share(List<double> figures, double share)
    {
        figures.Sort();
        return figures[(int)(figures.Count * share)];
    }

    private static string Load() => File.ReadAllText("/proc/loadavg")[..4];
}
