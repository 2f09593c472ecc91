using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Certificates;

/// <summary>Certificates that another implementation made, and files that accident and chance make of them.</summary>
public sealed class CertificateFileTests
{
    public static TheoryData<string> Names => ["enforced", "one is silent", "one only observes", "nobody has signed", "exhausted", "over", "enforced and anchored"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_certificate_of_the_vectors_passes_every_check_and_proves_its_level(string name)
    {
        var verdict = CertificateVerifier.Verify(Bytes(name), Policy(name));

        Assert.All(verdict.Findings, finding => Assert.Equal((finding.Property, TrailResult.Passed, ""), (finding.Property, finding.Result, finding.Result == TrailResult.Passed ? "" : finding.Words)));
        Assert.Equal(Enum.GetValues<CertificateProperty>(), verdict.Findings.Select(finding => finding.Property));
        Assert.Equal((StopLevel)Vector(name).GetProperty("level").GetInt32(), verdict.Level);
        Assert.Equal(Vector(name).GetProperty("enforced_at").GetInt64(), verdict.Stops.Max(stop => stop.Proven.EnforcedAt) ?? 0);
        Assert.True(verdict.IsProven);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_certificate_is_read_and_written_the_same_again(string name)
    {
        Assert.True(CertificateFile.TryRead(Bytes(name), out var file, out _));
        Assert.Equal(Bytes(name), CertificateLog.Write(file, long.Parse(file.Seal.Split('\n')[2], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(Vector(name).GetProperty("items").GetUInt64(), file.ItemCount + 1);
    }

    [Fact]
    public void A_certificate_and_a_trail_are_told_apart_by_their_first_bytes()
    {
        Assert.True(CertificateFile.Begins(Bytes("over")));
        Assert.False(CertificateFile.Begins(Vectors.Section("trails").GetProperty("all opened").Hex("file")));
        Assert.False(CertificateFile.Begins([]));
    }

    [Fact]
    public void Whoever_has_not_signed_is_named_with_the_registrys_word_on_it()
    {
        var silent = CertificateVerifier.Verify(Bytes("one is silent"), Policy("one is silent"));
        var observing = CertificateVerifier.Verify(Bytes("one only observes"), Policy("one only observes"));
        var nobody = CertificateVerifier.Verify(Bytes("nobody has signed"), Policy("nobody has signed"));

        Assert.Equal(("mail gateway", EnforcerProgress.Silent, false), Missing(Assert.Single(Assert.Single(silent.Stops).Missing)));
        Assert.Equal(("mail gateway", EnforcerProgress.Observing, true), Missing(Assert.Single(Assert.Single(observing.Stops).Missing)));
        Assert.Equal(
            [("documents gateway", EnforcerProgress.Lagging, false), ("mail gateway", EnforcerProgress.LeaseOver, false)], Assert.Single(nobody.Stops).Missing.Select(Missing));
        Assert.Equal([true], Assert.Single(observing.Stops).Exposed.Where(exposed => exposed.Audience.EndsWith("mail", StringComparison.Ordinal)).Select(exposed => exposed.IsUnproven));
    }

    [Fact]
    public void Without_a_key_that_the_caller_trusts_a_certificate_is_consistent_and_proves_nothing()
    {
        var verdict = CertificateVerifier.Verify(Bytes("enforced"), policy: null);

        Assert.False(verdict.IsProven);
        Assert.True(verdict.IsConsistent);
        Assert.Equal(TrailResult.NotChecked, verdict[CertificateProperty.Checkpoint].Result);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_certificate_that_is_cut_off_or_changed_anywhere_is_refused(string name)
    {
        var (bytes, policy) = (Bytes(name), Policy(name));
        for (var at = 0; at < bytes.Length; at += 97)
        {
            Assert.False(CertificateVerifier.Verify(bytes.AsMemory(0, at), policy).IsConsistent);
            var changed = bytes.ToArray();
            changed[at] ^= 1;
            var verdict = CertificateVerifier.Verify(changed, policy);
            Assert.False(verdict.IsConsistent);
            Assert.Null(verdict.Level);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_chance_makes_of_a_certificate_is_a_finding_and_never_an_exception(int seed)
    {
        var random = new Random(seed);
        var (bytes, policy) = (Bytes("over"), Policy("over"));
        for (var round = 0; round < 500; round++)
        {
            var mutated = Mutation.Of(bytes, random);
            Assert.Equal(mutated.AsSpan().SequenceEqual(bytes), CertificateVerifier.Verify(mutated, policy).IsProven);
            _ = CertificateVerifier.Verify(mutated, policy: null);
        }
    }

    private static (string, EnforcerProgress, bool) Missing(EnforcerVerdict enforcer) => (enforcer.Name, enforcer.Word!.Progress, enforcer.IsObserving);

    private static byte[] Bytes(string name) => Vector(name).Hex("file");

    private static TlogPolicy Policy(string name) => TlogPolicy.LogAlone(NoteVerifierKey.TryParse(Vector(name).Text("vkey"), out var key, out _) ? key : throw new InvalidDataException());

    private static System.Text.Json.JsonElement Vector(string name) => Vectors.Section("certificates").GetProperty(name);
}
