using System.Security.Cryptography;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests;

/// <summary>Randomness that can be had again: a run prints its seed, and LEDGER_TEST_SEED repeats it.</summary>
internal static class Seed
{
    internal static int Value { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("LEDGER_TEST_SEED"), out var seed) ? seed : RandomNumberGenerator.GetInt32(int.MaxValue);

    internal static Random NewRandom(ITestOutputHelper output)
    {
        output.WriteLine($"LEDGER_TEST_SEED={Value}");
        return new Random(Value);
    }
}
