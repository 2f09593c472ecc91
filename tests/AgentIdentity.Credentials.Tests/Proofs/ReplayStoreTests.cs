using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class ReplayStoreTests
{
    private static readonly PublicKey Key = Vectors.Key("agent").PublicKey;
    private static readonly PublicKey OtherKey = Vectors.Key("enforcer").PublicKey;
    private readonly ManualClock _clock = new(Vectors.Now);

    [Fact]
    public void A_proof_is_used_once()
    {
        var store = Store(1000);
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0001")));
        Assert.Equal(Refusal.ProofReplayed, store.Burn(Proof("jti-0001")));
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0002")));
    }

    [Fact]
    public void Key_and_nonce_are_part_of_its_name()
    {
        var store = Store(1000);
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0001")));
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0001", nonce: "another")));
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0001", key: OtherKey)));
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0001n", nonce: "once")));
        Assert.Equal(Refusal.ProofReplayed, store.Burn(Proof("jti-0001", key: OtherKey)));
    }

    [Fact]
    public void A_proof_is_remembered_for_as_long_as_its_own_time_lets_it_be_accepted()
    {
        var store = Store(1000);
        _clock.Advance(TimeSpan.FromSeconds(100));
        // Made by an agent whose clock is a minute ahead: it could be accepted for two minutes from now.
        var proof = Proof("jti-0001", _clock.GetUtcNow() + KeyProof.Window);
        Assert.Equal(Refusal.None, store.Burn(proof));
        for (var seconds = 1; seconds <= 120; seconds++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(Refusal.ProofReplayed, store.Burn(proof));
        }
    }

    [Fact]
    public void A_full_store_refuses_and_forgets_nothing()
    {
        var store = Store(500);
        for (var number = 0; number < 500; number++)
            Assert.Equal(Refusal.None, store.Burn(Proof($"jti-{number:0000}")));
        Assert.Equal(Refusal.ReplayStoreFull, store.Burn(Proof("one-too-many")));
        for (var number = 0; number < 500; number++)
            Assert.Equal(Refusal.ProofReplayed, store.Burn(Proof($"jti-{number:0000}")));
    }

    [Fact]
    public void A_full_store_takes_as_many_proofs_again_each_time_its_memory_has_passed()
    {
        var store = Store(10);
        for (var generation = 0; generation < 4; generation++)
        {
            for (var number = 0; number < 10; number++)
                Assert.Equal(Refusal.None, store.Burn(Proof($"jti-{generation}-{number}")));
            Assert.Equal(Refusal.ReplayStoreFull, store.Burn(Proof("one-too-many")));
            _clock.Advance(ReplayStore.Memory);
        }
    }

    [Fact]
    public void A_proof_that_is_no_longer_remembered_is_stale_even_if_the_clock_goes_back()
    {
        var store = Store(1000);
        var proof = Proof("jti-0001");
        Assert.Equal(Refusal.None, store.Burn(proof));
        _clock.Advance(ReplayStore.Memory);
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0002")));
        _clock.Advance(ReplayStore.Memory);
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0003")));

        _clock.SetBack(2 * ReplayStore.Memory);
        Assert.Equal(Refusal.ProofStale, store.Burn(proof));
    }

    [Fact]
    public void A_proof_made_before_the_store_was_is_stale()
    {
        var store = new ReplayStore(10, _clock);
        Assert.Equal(Refusal.ProofStale, store.Burn(Proof("jti-0001", Vectors.Now.AddSeconds(-1))));
        // In the same second it may have been used before a restart that took less than a second.
        Assert.Equal(Refusal.ProofStale, store.Burn(Proof("jti-0002", Vectors.Now)));
        Assert.Equal(Refusal.None, store.Burn(Proof("jti-0003", Vectors.Now.AddSeconds(1))));
    }

    [Fact]
    public void Where_each_proof_carries_a_nonce_of_this_start_an_older_one_is_good_once()
    {
        var store = new ReplayStore(10, _clock, noncesAreOurs: true);
        var proof = Proof("jti-0001", Vectors.Now.AddSeconds(-59));
        Assert.Equal(Refusal.None, store.Burn(proof));
        Assert.Equal(Refusal.ProofReplayed, store.Burn(proof));
    }

    [Theory]
    [InlineData(32, 1_000)]
    // Two on two cores meet more closely than 32 do: of these races some find the store without its lock.
    [InlineData(2, 100_000)]
    public void Of_all_threads_with_one_proof_exactly_one_uses_it(int threads, int races)
    {
        var store = Store(2 * races);
        var proofs = Enumerable.Range(0, races).Select(race => Proof($"race-{race:000000}")).ToArray();
        var winners = new int[races];
        var arrived = 0;
        var racing = Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            for (var race = 0; race < races; race++)
            {
                Interlocked.Increment(ref arrived);
                var wait = default(SpinWait);
                while (Volatile.Read(ref arrived) < (race + 1) * threads)
                    wait.SpinOnce(sleep1Threshold: -1);
                if (store.Burn(proofs[race]) == Refusal.None)
                    Interlocked.Increment(ref winners[race]);
            }
        })).ToArray();
        foreach (var thread in racing)
            thread.Start();
        foreach (var thread in racing)
            thread.Join();
        Assert.All(winners, count => Assert.Equal(1, count));
    }

    [Fact]
    public void It_agrees_with_a_set_that_never_forgets_over_many_proofs_and_generations()
    {
        const int seed = 20270;
        var random = new Random(seed);
        var store = Store(200_000);
        var used = new HashSet<string>();
        for (var round = 0; round < 100_000; round++)
        {
            if (random.Next(500) == 0)
                _clock.Advance(TimeSpan.FromSeconds(random.Next(1, 40)));
            // Half of the proofs are new, half come again from the last minute's worth of numbers.
            var jti = $"jti-{round - random.Next(2) * random.Next(1, 50)}";
            var expected = used.Add(jti) ? Refusal.None : Refusal.ProofReplayed;
            Assert.True(store.Burn(Proof(jti)) == expected, $"seed {seed}, round {round}: {jti}");
        }
    }

    [Fact]
    public void A_million_places_take_at_most_64_megabytes()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var store = new ReplayStore(1_000_000, _clock);
        var taken = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(store);
        Assert.InRange(taken, 32_000_000, 64_000_000);
    }

    [Fact]
    public void A_large_store_fills_evenly_enough_to_take_nearly_all_that_it_is_made_for()
    {
        var store = Store(100_000);
        var taken = Enumerable.Range(0, 100_000).Count(number => store.Burn(Proof($"jti-{number}")) == Refusal.None);
        Assert.InRange(taken, 97_000, 100_000);
    }

    // A store whose start lies far enough back for every proof of these tests.
    private ReplayStore Store(int capacity)
    {
        var store = new ReplayStore(capacity, _clock);
        _clock.Advance(TimeSpan.FromSeconds(1));
        return store;
    }

    private PresentedProof Proof(string jti, DateTimeOffset? issuedAt = null, string nonce = "nonce", PublicKey? key = null) =>
        new(key ?? Key, new KeyProofClaims(jti, "POST", "https://localhost:5000/a", issuedAt ?? _clock.GetUtcNow(), nonce, null, null));
}
