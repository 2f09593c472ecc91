using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tests.Dids;

public sealed class WebvhResolverTests
{
    private static readonly JsonElement Expected = Vectors.Section("dids");
    private static readonly JsonElement AgentLog = Expected.GetProperty("agent_log");
    private static readonly DateTimeOffset Later = Vectors.Now.AddHours(1);

    [Fact]
    public void Good_logs_resolve()
    {
        foreach (var one in Expected.GetProperty("good_logs").EnumerateArray())
        {
            var resolution = Resolve(one);
            Assert.True(resolution.Refusal == WebvhRefusal.None, $"{one.Text("name")}: {resolution.Refusal} in line {resolution.Line}");
            Assert.Equal(one.GetProperty("deactivated").GetBoolean(), resolution.History!.IsDeactivated);
            Assert.Equal(one.Text("did"), resolution.History.Latest.Did);
        }
    }

    [Fact]
    public void Bad_logs_that_are_hashed_and_signed_like_good_ones_are_refused_by_name()
    {
        Assert.True(Expected.GetProperty("bad_logs").GetArrayLength() >= 50);
        Assert.All(Expected.GetProperty("bad_logs").EnumerateArray(), one => Assert.Equal($"{one.Text("name")}: {one.Text("refusal")}", $"{one.Text("name")}: {Resolve(one).Refusal}"));
    }

    [Fact]
    public void The_log_of_an_agent_is_written_as_the_vectors_have_it()
    {
        var lines = AgentLog.Text("log").TrimEnd('\n').Split('\n');
        Assert.True(WebvhDid.TryParse(AgentLog.Text("did"), out var did));
        PrivateKey[] keys = [UpdateKey(1), UpdateKey(2), UpdateKey(3)];
        Assert.Equal(
            AgentLog.GetProperty("update_secrets").EnumerateArray().Select(secret => PrivateKey.FromSecret(KeyAlgorithm.Ed25519, Convert.FromHexString(secret.GetString()!))!.PublicKey), keys.Select(key => key.PublicKey));
        string State(string key, string scid, bool deactivated = false) => DidDocuments.AgentVersion(Vectors.Registry, Vectors.AgentId, Vectors.Key(key).PublicKey, scid, deactivated);
        string Committed(int key) => Multikey.NextKeyHash(Multikey.Of(keys[key].PublicKey));

        var first = WebvhLog.First(State("agent", WebvhLog.Placeholder), keys[0], new WebvhChange([Committed(1)]), portable: true, Vectors.Now);
        Assert.Equal(lines[0], first);
        var second = WebvhLog.Next(Latest(first), State("enforcer", did.Scid), keys[1], new WebvhChange([Committed(2)]), Vectors.Now.AddMinutes(1));
        Assert.Equal(lines[1], second);
        var third = WebvhLog.Next(Latest(first, second), State("agent", did.Scid, deactivated: true), keys[2], new WebvhChange([], Deactivates: true), Vectors.Now.AddMinutes(2));
        Assert.Equal(lines[2], third);
        Assert.True(Resolve(first, second, third).History!.IsDeactivated);
    }

    [Fact]
    public void The_log_of_a_registry_resolves_under_its_name()
    {
        var resolved = WebvhResolver.Resolve(Vectors.Utf8(Expected.Text("registry_log")), default, null, Later).History!;
        Assert.True(WebvhDid.TryParse(resolved.Latest.Did, out var did));
        Assert.Equal("https://localhost:5000/.well-known/did.jsonl", did.Location.AbsoluteUri);
        Assert.Equal(DidDocuments.RegistryVersion(Vectors.Registry, [Vectors.Key("issuer").PublicKey], [], did.Scid), resolved.Latest.Document);
    }

    [Fact]
    public void Witnesses_come_change_and_go_in_logs_that_are_written_here()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        using var next = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        using var witness = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var committed = Multikey.NextKeyHash(Multikey.Of(next.PublicKey));
        var first = WebvhLog.First(
            """{"id":"did:webvh:{SCID}:registry.example"}""", key, new WebvhChange([committed], new WebvhWitnesses(1, [Multikey.Did(witness.PublicKey)])), portable: false, Vectors.Now);
        Assert.Equal(WebvhRefusal.WitnessProofsMissing, Resolve(first).Refusal);
        var version = JsonDocument.Parse(first).RootElement.Text("versionId");
        var proof = IntegrityProof.Create($$"""{"versionId":"{{version}}"}""", witness, Multikey.Method(witness.PublicKey), IntegrityProof.AssertionMethod, "2024-11-03T06:41:04Z");
        var resolved = WebvhResolver.Resolve(Vectors.Utf8(first), Vectors.Utf8($$"""[{"proof":[{{proof}}],"versionId":"{{version}}"}]"""), null, Later);
        Assert.Equal(WebvhRefusal.None, resolved.Refusal);
        var second = WebvhLog.Next(resolved.History!.Latest, resolved.History.Latest.Document, next, new WebvhChange([], new WebvhWitnesses(0, [])), Vectors.Now);
        Assert.Contains("\"witness\":{}", second, StringComparison.Ordinal);
        Assert.Equal(WebvhRefusal.WitnessThreshold, WebvhResolver.Resolve(Vectors.Utf8(first + "\n" + second), Vectors.Utf8($$"""[{"proof":[{{proof}}],"versionId":"{{version}}"}]"""), null, Later).Refusal);
    }

    [Fact]
    public void A_version_is_found_by_the_time_at_which_it_was_in_force()
    {
        var history = WebvhResolver.Resolve(Vectors.Utf8(AgentLog.Text("log")), default, AgentLog.Text("did"), Later).History!;
        Assert.Null(history.AsOf(Vectors.Now.AddSeconds(-1)));
        Assert.Equal(1, history.AsOf(Vectors.Now)!.Number);
        Assert.Equal(2, history.AsOf(Vectors.Now.AddSeconds(119))!.Number);
        Assert.Equal(3, history.AsOf(DateTimeOffset.MaxValue)!.Number);
    }

    [Fact]
    public void What_is_huge_deep_or_no_text_is_refused()
    {
        var line = AgentLog.Text("log").Split('\n')[0];
        Assert.Equal(WebvhRefusal.Empty, Resolve().Refusal);
        Assert.Equal(WebvhRefusal.TooLarge, WebvhResolver.Resolve(new byte[(8 << 20) + 1], default, null, Later).Refusal);
        Assert.Equal(WebvhRefusal.TooLarge, Resolve(new string(' ', (256 << 10) + 1)).Refusal);
        foreach (var (depth, refusal) in new[] { (14, WebvhRefusal.ScidMismatch), (15, WebvhRefusal.TooDeep), (100_000, WebvhRefusal.TooDeep) })
            Assert.Equal(refusal, Resolve(line.Replace("\"state\":{", "\"state\":{\"deep\":" + new string('[', depth) + new string(']', depth) + ",")).Refusal);
        Assert.Equal(WebvhRefusal.NotText, Resolve(line.Replace("\"state\":{", "\"state\":{\"deep\":" + new string('[', 14) + "}")).Refusal);
        Assert.Equal(WebvhRefusal.NotText, Resolve(line.Replace("\"state\":{", "\"state\":{\"id\":\"did:example:other\",")).Refusal);
        Assert.Equal(WebvhRefusal.NotText, WebvhResolver.Resolve(new byte[] { 0xff, 0xfe }, default, null, Later).Refusal);
        Assert.Equal(WebvhRefusal.NotText, Resolve(line, "").Refusal);
        Assert.Equal(WebvhRefusal.EntryForm, Resolve("[]").Refusal);
    }

    [Fact]
    public void More_versions_than_are_read_are_refused()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var log = new StringBuilder();
        var document = """{"id":"did:webvh:{SCID}:registry.example"}""";
        var line = WebvhLog.First(document, key, new WebvhChange([]), portable: false, Vectors.Now);
        var before = Latest(line);
        for (var number = 1; number <= 4097; number++)
        {
            log.Append(line).Append('\n');
            line = WebvhLog.Next(before, before.Document, key, new WebvhChange([]), Vectors.Now);
            using var read = JsonDocument.Parse(line);
            before = before with { Number = number + 1, VersionId = read.RootElement.Text("versionId"), At = before.At.AddSeconds(1) };
        }
        var refused = WebvhResolver.Resolve(Vectors.Utf8(log.ToString()), default, null, Vectors.Now.AddDays(1));
        Assert.Equal((WebvhRefusal.TooLarge, 4097), (refused.Refusal, refused.Line));
    }

    [Fact]
    public void A_changed_log_never_resolves_to_something_else()
    {
        var random = new Random(1001);
        var log = Vectors.Utf8(AgentLog.Text("log"));
        var good = WebvhResolver.Resolve(log, default, null, Later).History!.Versions;
        for (var round = 0; round < 3000; round++)
        {
            var resolution = WebvhResolver.Resolve(Mutation.Of(log, random), default, AgentLog.Text("did"), Later);
            // What is left of a log when its end was cut off is a good log of an older version; that is what witnesses and the ledger are for.
            foreach (var (version, at) in (resolution.History?.Versions ?? []).Select((version, at) => (version, at)))
                Assert.Equal((good[at].VersionId, good[at].Document), (version.VersionId, version.Document));
        }
    }

    private static PrivateKey UpdateKey(ulong number)
    {
        var name = new byte[11 + 16 + 8];
        "air/did/v1\0"u8.CopyTo(name);
        Vectors.AgentId.ToArray().CopyTo(name, 11);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(name.AsSpan(27), number);
        return Vectors.Key("did").Derive(name);
    }

    private static WebvhVersion Latest(params string[] lines) => Resolve(lines).History!.Latest;

    private static WebvhResolution Resolve(params string[] lines) => WebvhResolver.Resolve(Vectors.Utf8(string.Concat(lines.Select(line => line + "\n"))), default, null, Later);

    private static WebvhResolution Resolve(JsonElement one) =>
        WebvhResolver.Resolve(Vectors.Utf8(one.Text("log")), Vectors.Utf8(one.GetProperty("witness").GetString() ?? ""), one.Text("did"), Later);
}
