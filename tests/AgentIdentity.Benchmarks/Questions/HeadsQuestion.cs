using System.Diagnostics;
using AgentIdentity.Ledger;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What a large map of heads costs: memory for each subject, a root after a commit group, and a proof.</summary>
internal static class HeadsQuestion
{
    // One checkpoint's worth of changes at the rate that the ledger is meant for.
    private const int Changed = 8_000;
    private const int Proofs = 50_000;

    public static Task<int> AnswerAsync(int count, int seed)
    {
        var random = new Random(seed);
        var heads = Enumerable.Range(0, count).Select(i => KeyValuePair.Create(RandomHash(random), new Head((ulong)i, RandomHash(random), new LeafIndex((ulong)i)))).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var map = HeadMap.Empty;
        var build = Took(() => map = HeadMap.Empty.With(heads));
        Console.WriteLine($"{count:N0} heads in a map: {build.TotalMilliseconds:N0} ms, {(GC.GetTotalMemory(forceFullCollection: true) - before) / count} bytes each, first root {Took(() => _ = map.Root).TotalMilliseconds:N0} ms");

        random.Shuffle(heads);
        var changes = heads.Take(Changed).Select(pair => KeyValuePair.Create(pair.Key, pair.Value with { Count = pair.Value.Count + 1 })).ToArray();
        var change = Took(() => map = map.With(changes));
        Console.WriteLine($"{changes.Length:N0} of them changed: {change.TotalMilliseconds:N1} ms, the root after that {Took(() => _ = map.Root).TotalMilliseconds:N1} ms");

        var asked = heads.Take(Proofs).Select(pair => pair.Key).ToArray();
        var proofs = new byte[asked.Length][];
        var prove = Took(() => proofs = Array.ConvertAll(asked, key => map.Prove(key)));
        var root = map.Root;
        var present = 0;
        var verify = Took(() => present = asked.Index().Count(one => HeadMapProof.Verify(proofs[one.Index], root, one.Item, out _) == HeadMapAnswer.Present));
        if (present != asked.Length)
            throw new InvalidOperationException($"{asked.Length - present} proofs do not verify.");
        Console.WriteLine($"a proof: {prove.TotalMicroseconds / asked.Length:N1} µs, {proofs.Average(proof => proof.Length):N0} bytes; verified in {verify.TotalMicroseconds / asked.Length:N1} µs");
        return Task.FromResult(0);
    }

    private static TimeSpan Took(Action act)
    {
        var watch = Stopwatch.StartNew();
        act();
        return watch.Elapsed;
    }

    private static Hash RandomHash(Random random)
    {
        var bytes = new byte[Hash.Size];
        random.NextBytes(bytes);
        return Hash.Read(bytes);
    }
}
