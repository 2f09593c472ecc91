using AgentIdentity.Credentials.Envelopes;

namespace AgentIdentity.Credentials.Tests.Envelopes;

/// <summary>Random trees of delegation, grown with the one function that decides, and held against what each agent can do when all uses of a small world are tried.</summary>
public sealed class DelegationTreeTests
{
    private const int TreesByDefault = 100_000;
    private const int NodesMax = 8;

    private static int Trees =>
        int.TryParse(Environment.GetEnvironmentVariable("AGENTIDENTITY_TEST_DELEGATION_TREES"), out var trees) ? trees : TreesByDefault;

    [Fact]
    public void No_agent_of_a_tree_can_do_at_any_time_what_the_one_above_cannot_nor_pass_it_on_as_far()
    {
        const int seed = 20268;
        var random = new Random(seed);
        var (grown, refused, deepest) = (0, 0, 0);
        for (var tree = 0; tree < Trees; tree++)
        {
            var nodes = new List<Node> { Node.Root(RandomEnvelope.Of(random), random) };
            while (nodes.Count < NodesMax && random.Next(12) > 0)
            {
                var above = nodes[random.Next(nodes.Count)];
                if (Node.TryPassOn(above, Wanted(above, random), random) is not { } below)
                {
                    refused++;
                    continue;
                }
                if (Uses.FirstWider(below.Held, above.Held) is { } use)
                    Assert.Fail($"seed {seed}, tree {tree}: {below.Envelope.Read().Canonical} until {below.ExpiresAt}, from {above.Envelope.Read().Canonical} until {above.ExpiresAt}: {use}");
                nodes.Add(below);
                deepest = Math.Max(deepest, below.Depth);
            }
            grown += nodes.Count - 1;
        }
        // Few trees would prove little, and so would trees that never grow or in which everything is let through.
        Assert.InRange(grown, Trees / 2, int.MaxValue);
        Assert.InRange(refused, Trees / 2, int.MaxValue);
        Assert.InRange(deepest, 3, NodesMax);
    }

    [Fact]
    public void What_one_item_covers_whole_with_depth_to_spare_may_be_passed_on()
    {
        const int seed = 20269;
        var random = new Random(seed);
        for (var round = 0; round < 20_000; round++)
        {
            var above = RandomEnvelope.Of(random, depthLeast: 1);
            var item = above.Items[random.Next(above.Items.Count)];
            var below = new RandomEnvelope([item with { MaxDepth = item.MaxDepth - 1, Actions = [.. item.Actions.Take(1)] }]);
            Assert.True(below.Read().IsPassedOnFrom(above.Read(), out _), $"seed {seed}, round {round}: {below.Read().Canonical} from {above.Read().Canonical}");
        }
    }

    [Fact]
    public void A_mutated_envelope_is_refused_or_no_wider_than_what_it_is_passed_on_from()
    {
        const int seed = 20270;
        var random = new Random(seed);
        var read = 0;
        for (var round = 0; round < 100_000; round++)
        {
            var above = Node.Root(RandomEnvelope.Of(random, depthLeast: 1), random);
            var text = RandomEnvelope.Narrower(above.Envelope, random).ShallowerThan(above.Envelope).Read().Canonical;
            if (!Envelope.TryParse(Mutated(text, random), out var mutated) || !mutated.IsPassedOnFrom(above.Envelope.Read(), out var expiryMax))
                continue;
            read++;
            var held = Uses.Of(RandomEnvelope.Of(mutated), Math.Min(above.ExpiresAt, expiryMax ?? long.MaxValue));
            Assert.True(Uses.FirstWider(held, above.Held) is null, $"seed {seed}, round {round}: {mutated.Canonical} from {above.Envelope.Read().Canonical}");
        }
        Assert.InRange(read, 3_000, 100_000);
    }

    // One or two characters become others that values and numbers are made of, so that most of it can still be read.
    private static string Mutated(string text, Random random)
    {
        const string alphabet = "ab/c*tu0123456789";
        var letters = text.ToCharArray();
        var places = Enumerable.Range(0, letters.Length).Where(at => alphabet.Contains(letters[at], StringComparison.Ordinal)).ToArray();
        for (var edits = random.Next(1, 3); edits > 0; edits--)
            letters[places[random.Next(places.Length)]] = alphabet[random.Next(alphabet.Length)];
        return new string(letters);
    }

    // Mostly something that could be passed on, at times anything.
    private static RandomEnvelope Wanted(Node above, Random random) => random.Next(4) switch
    {
        0 => RandomEnvelope.Of(random),
        1 => RandomEnvelope.Narrower(above.Envelope, random),
        _ => RandomEnvelope.Narrower(above.Envelope, random).ShallowerThan(above.Envelope),
    };

    /// <summary>A credential of the tree: its envelope, its end, and all that can be done with it.</summary>
    private sealed record Node(RandomEnvelope Envelope, long ExpiresAt, int Depth, byte[] Held)
    {
        public static Node Root(RandomEnvelope envelope, Random random)
        {
            var expiresAt = random.Next(1, Uses.Times + 2);
            return new Node(envelope, expiresAt, 0, Uses.Of(envelope, expiresAt));
        }

        public static Node? TryPassOn(Node above, RandomEnvelope wanted, Random random)
        {
            if (!wanted.Read().IsPassedOnFrom(above.Envelope.Read(), out var expiryMax))
                return null;
            var expiresAt = Math.Min(Math.Min(above.ExpiresAt, expiryMax ?? long.MaxValue), random.Next(1, Uses.Times + 2));
            return new Node(wanted, expiresAt, above.Depth + 1, Uses.Of(wanted, expiresAt));
        }
    }
}
