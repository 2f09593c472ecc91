using System.Diagnostics;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Status;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What it costs to make all status lists anew, which is done once in a quarter of a minute, with an unexpired credential for each agent and a thousand stops.</summary>
internal static class StatusQuestion
{
    private const int Entries = 10_000;

    public static Task<int> AnswerAsync(int agents, int rounds, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-status-");
        try
        {
            using var store = SqliteLedgerStore.Open(folder.FullName);
            Measure(new RespondersWorld(store, agents, Entries, new Random(seed)).State, rounds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return Task.FromResult(0);
    }

    private static void Measure(RegistryState state, int rounds)
    {
        if (!RegistryName.TryParse(RegistryWire.PublicUrl, out var name, out var problem))
            throw new InvalidOperationException(problem);
        using var keys = new OneKey();
        // The first is not counted: it is compiled then.
        for (var round = 0; round <= rounds; round++)
        {
            var (watch, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            var lists = new StatusLists(new RegistrySettings(name), state, new Standing(state), keys, TimeProvider.System).Make(TimeProvider.System.GetUtcNow());
            var used = Environment.CpuUsage.TotalTime - cpu;
            if (round > 0)
                Console.WriteLine($"{lists.Count} lists of {state.AgentCount:N0} credentials: {watch.Elapsed.TotalMilliseconds:N0} ms, {used.TotalMilliseconds:N0} ms of processor; the longest {lists.Values.Max(list => list.Token.Length):N0} and {lists.Values.Max(list => list.Bitstring.Length):N0} bytes");
        }
    }

    private sealed class OneKey : IRegistryKeys
    {
        private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);

        public PrivateKey Issuer(KeyId keyId) => _key;

        public Ed25519PrivateKey Log(KeyId keyId) => throw new NotSupportedException();

        public Ed25519PrivateKey Watch(KeyId keyId) => throw new NotSupportedException();

        public Ed25519PrivateKey Witness(KeyId keyId) => throw new NotSupportedException();

        public PrivateKey DidUpdate(KeyId keyId, ReadOnlySpan<byte> name) => throw new NotSupportedException();

        public PrivateKey Integrity(KeyId keyId) => throw new NotSupportedException();

        public PublicKey Create(Credentials.Entries.RegistryKeyUse use) => throw new NotSupportedException();

        public void Retire(KeyId keyId) => throw new NotSupportedException();

        public void Dispose() => _key.Dispose();
    }
}
