using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Tests.Attacks;
using Xunit.Abstractions;

namespace AgentIdentity.Server.Tests.Attacks;

/// <summary>One list of attacks on every place that takes a token. What fails before or by its signature has one outward name there, whatever is wrong with it.</summary>
public sealed class TokenAttackTests(ES256EntryPoints es256, Ed25519EntryPoints ed25519, ITestOutputHelper output) : IClassFixture<ES256EntryPoints>, IClassFixture<Ed25519EntryPoints>
{
    // With the rest of the request headers, a listener takes so much.
    private const int HeaderLengthMax = 8192;
    private const int AttacksMin = 100;

    // What the registry signs itself is ES256 always.
    public static TheoryData<KeyAlgorithm, string> Places
    {
        get
        {
            var places = new TheoryData<KeyAlgorithm, string>();
            foreach (var name in TokenEntryPoints.OfIssuer.Concat(TokenEntryPoints.OfCallers))
                places.Add(KeyAlgorithm.ES256, name);
            foreach (var name in TokenEntryPoints.OfCallers)
                places.Add(KeyAlgorithm.Ed25519, name);
            return places;
        }
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Every_attack_is_refused_under_the_one_name(KeyAlgorithm algorithm, string name)
    {
        var place = Of(algorithm).All[name];
        var attacks = TokenAttacks.On(place.Genuine(), place.Key).Where(attack => !place.NoAttacks.Contains(attack.Name) && (!place.IsHeader || CanStandInAHeader(attack.Token))).ToArray();
        var otherwise = new List<string>();
        foreach (var (attack, token) in attacks)
        {
            var answer = await place.SendAsync(token);
            if (!place.IsExpected(answer))
                otherwise.Add($"{attack}: {answer}");
        }
        output.WriteLine($"{attacks.Length} attacks");
        Assert.Empty(otherwise);
        Assert.True(attacks.Length >= AttacksMin, $"Only {attacks.Length} attacks were tried.");
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_genuine_token_is_not_refused_under_that_name(KeyAlgorithm algorithm, string name)
    {
        var place = Of(algorithm).All[name];
        var answering = place.SendAsync(place.Genuine());
        // A watch that was let in does not end.
        if (name.StartsWith("Watch", StringComparison.Ordinal) && await Task.WhenAny(answering, Task.Delay(TimeSpan.FromSeconds(5))) != answering)
            return;
        var answer = await answering.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(place.IsExpected(answer), answer);
    }

    private TokenEntryPoints Of(KeyAlgorithm algorithm) => algorithm == KeyAlgorithm.ES256 ? es256 : ed25519;

    private static bool CanStandInAHeader(string token) => token.Length <= HeaderLengthMax && token.All(letter => letter is > ' ' and < '\x7f');
}
