using System.Text;
using AgentIdentity.Credentials.Envelopes;

namespace AgentIdentity.Credentials.Tests.Envelopes;

public sealed class EnvelopeTests
{
    [Fact]
    public void The_example_has_the_canonical_form_and_the_authority_hashes_of_the_vectors()
    {
        var vectors = Vectors.Section("envelopes");
        var envelope = Vectors.ReadEnvelope(vectors.GetProperty("example").Text("text"));
        Assert.Equal(vectors.GetProperty("example").Text("canonical"), envelope.Canonical);
        foreach (var authority in vectors.GetProperty("authority").EnumerateArray())
            Assert.Equal(authority.Hash("hash"), Envelope.AuthorityHash(envelope, authority.GetProperty("act").GetString()));
    }

    [Fact]
    public void Within_is_decided_as_the_vectors_have_it()
    {
        foreach (var example in Vectors.Section("envelopes").GetProperty("within").EnumerateArray())
        {
            var (child, parent) = (Vectors.ReadEnvelope(example.Text("child")), Vectors.ReadEnvelope(example.Text("parent")));
            var isWithin = child.IsWithin(parent, out var expiryMax);
            Assert.True(isWithin == example.GetProperty("within").GetBoolean(), example.GetRawText());
            Assert.Equal(isWithin, child.IsWithin(parent));
            if (isWithin)
                Assert.Equal(example.GetProperty("expiry_max").ValueKind == System.Text.Json.JsonValueKind.Null ? null : example.GetProperty("expiry_max").GetInt64(), expiryMax);
        }
    }

    [Fact]
    public void Passed_on_is_decided_as_the_vectors_have_it()
    {
        foreach (var example in Vectors.Section("envelopes").GetProperty("passed_on").EnumerateArray())
        {
            var isPassedOn = Vectors.ReadEnvelope(example.Text("child")).IsPassedOnFrom(Vectors.ReadEnvelope(example.Text("parent")), out var expiryMax);
            Assert.True(isPassedOn == example.GetProperty("passed_on").GetBoolean(), example.GetRawText());
            if (isPassedOn)
                Assert.Equal(example.GetProperty("expiry_max").ValueKind == System.Text.Json.JsonValueKind.Null ? null : example.GetProperty("expiry_max").GetInt64(), expiryMax);
        }
    }

    [Fact]
    public void Covers_is_decided_as_the_vectors_have_it()
    {
        foreach (var example in Vectors.Section("envelopes").GetProperty("covers").EnumerateArray())
        {
            var covers = Vectors.ReadEnvelope(example.Text("envelope")).Covers(example.Text("type"), example.Text("action"), example.Text("location"), example.GetProperty("now").GetInt64());
            Assert.True(covers == example.GetProperty("covers").GetBoolean(), example.GetRawText());
        }
    }

    [Fact]
    public void What_is_no_envelope_is_refused()
    {
        foreach (var text in Vectors.Section("envelopes").GetProperty("malformed").EnumerateArray())
            Assert.False(Envelope.TryParse(text.GetString()!, out _), text.GetString());
        Assert.False(Envelope.TryParse([0x5b, 0x22, 0xff, 0x22, 0x5d], out _));
    }

    [Fact]
    public void The_bounds_themselves_are_inside()
    {
        var values = string.Join(',', Enumerable.Repeat("\"a\"", 64));
        Assert.True(Envelope.TryParse($$"""[{"type":"t","actions":[{{values}}],"locations":[{{values}}],"maxDepth":10,"notAfter":253402300799}]""", out _));
        Assert.True(Envelope.TryParse($"[{string.Join(',', Enumerable.Repeat("""{"type":"t","actions":[],"locations":[]}""", 32))}]", out _));
        Assert.True(Envelope.TryParse($$"""[{"type":"t","actions":["{{new string('a', 256)}}"],"locations":["{{new string('ö', 128)}}"]}]""", out _));
    }

    [Fact]
    public void A_text_of_8192_bytes_is_read_and_one_byte_more_is_not()
    {
        var envelope = """[{"type":"t","actions":["a"],"locations":["l"]}]""";
        var longest = envelope + new string(' ', Envelope.TextBytesMax - envelope.Length);
        Assert.True(Envelope.TryParse(longest, out _));
        Assert.False(Envelope.TryParse(longest + ' ', out _));
    }

    [Fact]
    public void What_a_child_covers_its_parent_covers_until_the_childs_capped_expiry()
    {
        const int seed = 20264;
        var random = new Random(seed);
        var within = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var parent = RandomEnvelope.Of(random);
            var child = random.Next(3) == 0 ? RandomEnvelope.Of(random) : RandomEnvelope.Narrower(parent, random);
            if (!child.Read().IsWithin(parent.Read(), out var expiryMax))
                continue;
            within++;
            for (var use = 0; use < 8; use++)
            {
                var (type, action, location, now) = RandomEnvelope.Use(random);
                var isAlive = expiryMax is null || now < expiryMax;
                if (isAlive && child.Read().Covers(type, action, location, now))
                    Assert.True(parent.Read().Covers(type, action, location, now), $"seed {seed}, round {round}: {child.Read().Canonical} in {parent.Read().Canonical}: {type} {action} {location} {now}");
            }
        }
        Assert.InRange(within, 10_000, 50_000);
    }

    [Fact]
    public void Within_is_transitive_once_each_envelope_ends_with_its_credential()
    {
        const int seed = 20265;
        var random = new Random(seed);
        var chains = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var first = RandomEnvelope.Of(random);
            var second = RandomEnvelope.Narrower(first, random);
            var third = RandomEnvelope.Narrower(second, random);
            if (!second.Read().IsWithin(first.Read(), out var secondExpiry))
                continue;
            // What the issuer does: the credential expires no later than its parent lets it, and what names no end ends with it.
            second = second.EndingAt(secondExpiry);
            if (!third.Read().IsWithin(second.Read(), out var thirdExpiry))
                continue;
            chains++;
            Assert.True(third.EndingAt(thirdExpiry).Read().IsWithin(first.Read()), $"seed {seed}, round {round}: {third.Read().Canonical} in {second.Read().Canonical} in {first.Read().Canonical}");
        }
        Assert.InRange(chains, 5_000, 50_000);
    }

    [Fact]
    public void Every_envelope_is_within_itself_and_reads_back_from_its_canonical_form()
    {
        const int seed = 20266;
        var random = new Random(seed);
        for (var round = 0; round < 5_000; round++)
        {
            var envelope = RandomEnvelope.Of(random).Read();
            Assert.True(envelope.IsWithin(envelope), $"seed {seed}, round {round}: {envelope.Canonical}");
            Assert.Equal(envelope.Canonical, Vectors.ReadEnvelope(envelope.Canonical).Canonical);
        }
    }

    [Fact]
    public void Random_mutations_are_refused_or_read_back_from_their_canonical_form()
    {
        const int seed = 20267;
        var random = new Random(seed);
        var text = Encoding.UTF8.GetBytes(Vectors.Section("envelopes").GetProperty("example").Text("canonical"));
        for (var round = 0; round < 50_000; round++)
        {
            if (Envelope.TryParse(Mutation.Of(text, random), out var envelope))
                Assert.True(Envelope.TryParse(envelope.Canonical, out var again) && again.Canonical == envelope.Canonical, $"seed {seed}, round {round}: {envelope.Canonical}");
        }
    }
}
