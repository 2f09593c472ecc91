using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests;

/// <summary>
/// Bytes that were right and then were damaged a few times over. A run prints its seed and size; LEDGER_TEST_SEED repeats it, and
/// LEDGER_TEST_ROUNDS makes it as long as there is time for.
/// </summary>
internal sealed class Mutation
{
    private const int RoundsByDefault = 30_000;
    private const int DamagesMax = 4;

    private readonly byte[][] _originals;
    private readonly byte[][] _tokens;
    private readonly Random _random;
    private readonly long _rounds;

    internal Mutation(ITestOutputHelper output, byte[][] originals, byte[][] tokens)
    {
        _originals = originals;
        _tokens = tokens;
        _random = Seed.NewRandom(output);
        _rounds = long.TryParse(Environment.GetEnvironmentVariable("LEDGER_TEST_ROUNDS"), out var rounds) ? rounds : RoundsByDefault;
        output.WriteLine($"LEDGER_TEST_ROUNDS={_rounds}");
    }

    /// <summary>Hands damaged bytes to the assertion; what it throws names the seed and the bytes.</summary>
    internal void Run(Action<byte[]> assert)
    {
        for (var round = 0L; round < _rounds; round++)
        {
            var bytes = _originals[_random.Next(_originals.Length)];
            for (var damages = _random.Next(1, DamagesMax + 1); damages > 0; damages--)
                bytes = Damage(bytes);
            try
            {
                assert(bytes);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"LEDGER_TEST_SEED={Seed.Value}, round {round}, bytes {Convert.ToBase64String(bytes)}", error);
            }
        }
    }

    private byte[] Damage(byte[] bytes)
    {
        var at = _random.Next(bytes.Length + 1);
        var rest = bytes.AsSpan(at);
        var run = rest[.._random.Next(Math.Min(rest.Length, 40) + 1)];
        return _random.Next(5) switch
        {
            0 => [.. bytes.AsSpan(0, at), .. rest[run.Length..]],
            1 => [.. bytes.AsSpan(0, at), .. run, .. rest],
            2 => [.. bytes.AsSpan(0, at), .. _tokens[_random.Next(_tokens.Length)], .. rest],
            3 when rest.Length > 0 => [.. bytes.AsSpan(0, at), (byte)_random.Next(256), .. rest[1..]],
            _ when rest.Length > 0 => [.. bytes.AsSpan(0, at), (byte)(rest[0] ^ (1 << _random.Next(8))), .. rest[1..]],
            _ => bytes,
        };
    }
}
