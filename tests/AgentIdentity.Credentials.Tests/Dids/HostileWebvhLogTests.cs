using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tests.Dids;

/// <summary>Logs that their own controller has hashed and signed as he should, and that say what none may; and witness files of whoever hosts them. What others' logs were seen to hold stands here beside what did:webvh 1.0 names.</summary>
public sealed class HostileWebvhLogTests : IDisposable
{
    private const string State = """{"id":"did:webvh:{SCID}:registry.example"}""";
    private const string Time = "2024-11-03T06:41:04Z";
    private const string NextTime = "2024-11-03T06:41:05Z";
    private static readonly DateTimeOffset Later = Vectors.Now.AddHours(1);

    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private readonly PrivateKey _witness = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public void Dispose()
    {
        _key.Dispose();
        _witness.Dispose();
    }

    [Theory]
    [InlineData("a version that is not there yet", "did:webvh:99.0")]
    [InlineData("a draft of this version", "did:webvh:1.0-rc1")]
    [InlineData("another spelling", "didwebvh:1.0")]
    [InlineData("in capitals", "DID:WEBVH:1.0")]
    public void Another_method_is_not_taken_for_this_one(string name, string method) => AssertRefused(name, WebvhRefusal.Method, First(method: method));

    [Theory]
    [InlineData("a witness without its method", """{"threshold":1,"witnesses":[{"id":"KEY"}]}""")]
    [InlineData("a witness with a fragment", """{"threshold":1,"witnesses":[{"id":"did:key:KEY#KEY"}]}""")]
    [InlineData("a witness that would have to be looked up", """{"threshold":1,"witnesses":[{"id":"did:web:witness.example"}]}""")]
    [InlineData("a witness twice", """{"threshold":2,"witnesses":[{"id":"did:key:KEY"},{"id":"did:key:KEY"}]}""")]
    [InlineData("a threshold in text", """{"threshold":"1","witnesses":[{"id":"did:key:KEY"}]}""")]
    [InlineData("a threshold of a half", """{"threshold":0.5,"witnesses":[{"id":"did:key:KEY"}]}""")]
    [InlineData("a threshold below zero", """{"threshold":-1,"witnesses":[{"id":"did:key:KEY"}]}""")]
    [InlineData("no threshold", """{"witnesses":[{"id":"did:key:KEY"}]}""")]
    [InlineData("no witnesses", """{"threshold":0,"witnesses":[]}""")]
    [InlineData("a list for an object", "[]")]
    public void Witnesses_that_nobody_could_hold_to_are_refused(string name, string witness) =>
        AssertRefused(name, WebvhRefusal.WitnessForm, First(witness: witness.Replace("KEY", Multikey.Of(_witness.PublicKey), StringComparison.Ordinal)));

    [Theory]
    [InlineData("0-")]
    [InlineData("1-")]
    [InlineData("3-")]
    [InlineData("02-")]
    [InlineData("+2-")]
    [InlineData("-2-")]
    [InlineData("2.0-")]
    [InlineData("2--")]
    [InlineData("4294967298-")]
    [InlineData("99999999999999999999999999-")]
    [InlineData("")]
    public void The_second_version_has_the_number_two(string number)
    {
        var first = First();
        AssertRefused($"number {number}", WebvhRefusal.VersionId, first, Seal(Parameters(), StateOf(first), number, VersionIdOf(first), NextTime));
    }

    [Fact]
    public void A_DID_that_gave_its_portability_up_does_not_move()
    {
        var first = First(portable: true);
        var staying = Seal($"{{\"portable\":false,\"updateKeys\":[\"{Multikey.Of(_key.PublicKey)}\"]}}", StateOf(first), "2-", VersionIdOf(first), NextTime);
        Assert.Equal(WebvhRefusal.None, Resolve(first, staying).Refusal);
        var moved = $"{{\"alsoKnownAs\":[\"{WebvhLog.DidOf(first)}\"],\"id\":\"{WebvhLog.DidOf(first).Replace("registry", "other", StringComparison.Ordinal)}\"}}";
        Assert.Equal(WebvhRefusal.None, Resolve(first, Seal(Parameters(), moved, "2-", VersionIdOf(first), NextTime)).Refusal);
        AssertRefused("moved", WebvhRefusal.NotPortable, first, staying, Seal(Parameters(), moved, "3-", VersionIdOf(staying), "2024-11-03T06:41:06Z"));
    }

    [Fact]
    public void After_its_end_a_DID_is_neither_changed_nor_begun_again()
    {
        var first = First();
        var end = Seal($"{{\"deactivated\":true,\"updateKeys\":[\"{Multikey.Of(_key.PublicKey)}\"]}}", StateOf(first), "2-", VersionIdOf(first), NextTime);
        Assert.True(Resolve(first, end).History!.IsDeactivated);
        foreach (var (name, parameters) in new[] { ("changed", Parameters()), ("begun again", "{\"deactivated\":false}") })
            AssertRefused(name, WebvhRefusal.AfterDeactivation, first, end, Seal(parameters, StateOf(first), "3-", VersionIdOf(end), "2024-11-03T06:41:06Z"));
    }

    [Fact]
    public void A_witness_file_that_is_none_is_refused_by_name()
    {
        var log = First(witness: $"{{\"threshold\":1,\"witnesses\":[{{\"id\":\"{Multikey.Did(_witness.PublicKey)}\"}}]}}");
        var (id, proof) = (VersionIdOf(log), Approve(VersionIdOf(log)));
        Assert.Equal(WebvhRefusal.None, Witnessed(log, $"[{{\"proof\":[{proof}],\"versionId\":\"{id}\"}}]"));
        Assert.All(
            new (string Name, WebvhRefusal Refusal, string File)[]
            {
                ("nothing", WebvhRefusal.WitnessProofsMissing, ""),
                ("huge", WebvhRefusal.TooLarge, $"[{new string(' ', 1 << 20)}]"),
                ("deep", WebvhRefusal.WitnessProofsForm, $"{new string('[', 40)}{new string(']', 40)}"),
                ("a member twice", WebvhRefusal.WitnessProofsForm, $"[{{\"proof\":[{proof}],\"versionId\":\"{id}\",\"versionId\":\"{id}\"}}]"),
                ("a member twice in the proof", WebvhRefusal.WitnessProofsForm, $"[{{\"proof\":[{{\"type\":\"DataIntegrityProof\",{proof[1..]}],\"versionId\":\"{id}\"}}]"),
                ("an object", WebvhRefusal.WitnessProofsForm, $"{{\"proof\":[{proof}],\"versionId\":\"{id}\"}}"),
                ("one proof without its list", WebvhRefusal.WitnessProofsForm, $"[{{\"proof\":{proof},\"versionId\":\"{id}\"}}]"),
                ("without a version", WebvhRefusal.WitnessProofsForm, $"[{{\"proof\":[{proof}]}}]"),
                ("more proofs than are looked at", WebvhRefusal.WitnessProofsForm, $"[{{\"proof\":[{string.Join(',', Enumerable.Repeat("{}", 1025))}],\"versionId\":\"{id}\"}}]"),
                ("of the version under a higher number", WebvhRefusal.WitnessThreshold, $"[{{\"proof\":[{proof}],\"versionId\":\"9{id}\"}}]"),
                ("of another log", WebvhRefusal.WitnessThreshold, $"[{{\"proof\":[{Approve("1-QmaaGzJyX4nx7sgxBS8DgNrvDud8XC98ge3ev1t3XMiUdQ")}],\"versionId\":\"{id}\"}}]"),
                ("by another suite", WebvhRefusal.WitnessThreshold, $"[{{\"proof\":[{proof.Replace("eddsa-jcs-2022", "ecdsa-jcs-2019", StringComparison.Ordinal)}],\"versionId\":\"{id}\"}}]"),
            },
            one => Assert.Equal((one.Name, one.Refusal), (one.Name, Witnessed(log, one.File))));
    }

    [Fact]
    public void A_weight_that_an_earlier_draft_gave_a_witness_counts_for_nothing()
    {
        using var second = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var heavy = $"{{\"id\":\"{Multikey.Did(_witness.PublicKey)}\",\"weight\":2}},{{\"id\":\"{Multikey.Did(second.PublicKey)}\",\"weight\":0}}";
        AssertRefused("above the count", WebvhRefusal.WitnessForm, First(witness: $"{{\"threshold\":3,\"witnesses\":[{heavy}]}}"));
        var log = First(witness: $"{{\"threshold\":2,\"witnesses\":[{heavy}]}}");
        var id = VersionIdOf(log);
        Assert.Equal(WebvhRefusal.WitnessThreshold, Witnessed(log, $"[{{\"proof\":[{Approve(id)}],\"versionId\":\"{id}\"}}]"));
        Assert.Equal(WebvhRefusal.None, Witnessed(log, $"[{{\"proof\":[{Approve(id)},{Approve(id, second)}],\"versionId\":\"{id}\"}}]"));
    }

    private string Parameters() => $"{{\"updateKeys\":[\"{Multikey.Of(_key.PublicKey)}\"]}}";

    private string First(string method = WebvhParameters.Method, bool portable = false, string? witness = null)
    {
        var parameters = $"{{\"method\":\"{method}\",\"portable\":{(portable ? "true" : "false")},\"scid\":\"{WebvhLog.Placeholder}\",\"updateKeys\":[\"{Multikey.Of(_key.PublicKey)}\"]{(witness is null ? "" : $",\"witness\":{witness}")}}}";
        var scid = Multihash.Of(WebvhLine.Text(parameters, State, WebvhLog.Placeholder, Time));
        return Seal(parameters.Replace(WebvhLog.Placeholder, scid, StringComparison.Ordinal), State.Replace(WebvhLog.Placeholder, scid, StringComparison.Ordinal), "1-", scid, Time);
    }

    private string Seal(string parameters, string state, string number, string before, string time)
    {
        var versionId = number + Multihash.Of(WebvhLine.Text(parameters, state, before, time));
        return WebvhLine.Text(parameters, state, versionId, time, IntegrityProof.Create(WebvhLine.Text(parameters, state, versionId, time), _key, Multikey.Method(_key.PublicKey), IntegrityProof.AssertionMethod, time));
    }

    private string Approve(string versionId) => Approve(versionId, _witness);

    private static string Approve(string versionId, PrivateKey by) => IntegrityProof.Create($"{{\"versionId\":\"{versionId}\"}}", by, Multikey.Method(by.PublicKey), IntegrityProof.AssertionMethod, Time);

    private static string VersionIdOf(string line) => System.Text.Json.JsonDocument.Parse(line).RootElement.Text("versionId");

    private static string StateOf(string line) => $"{{\"id\":\"{WebvhLog.DidOf(line)}\"}}";

    private static void AssertRefused(string name, WebvhRefusal refusal, params string[] lines)
    {
        var resolved = Resolve(lines);
        Assert.Equal((name, refusal, lines.Length), (name, resolved.Refusal, resolved.Line));
    }

    private static WebvhRefusal Witnessed(string log, string file) => WebvhResolver.Resolve(Vectors.Utf8(log), Vectors.Utf8(file), null, Later).Refusal;

    private static WebvhResolution Resolve(params string[] lines) => WebvhResolver.Resolve(Vectors.Utf8(string.Join('\n', lines)), default, null, Later);
}
