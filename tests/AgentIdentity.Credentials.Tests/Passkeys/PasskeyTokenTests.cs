using System.Text;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Tests.Passkeys;

namespace AgentIdentity.Credentials.Tests.Passkeys;

public sealed class PasskeyTokenTests
{
    private static readonly string PublicUrl = Vectors.Registry.PublicUrl;
    private static readonly string Action = ApprovedAction.Restore([new LeafIndex(6)], "it was a false alarm");

    [Fact]
    public void The_approval_of_the_vectors_is_read_with_its_origin()
    {
        var expected = Vectors.Section("passkey_approval");
        Assert.Equal(Refusal.None, Approval.Read(expected.Text("token"), PublicUrl, Vectors.Now, out var approval));
        Assert.Equal((expected.Text("action"), expected.Text("nonce"), expected.Text("origin")), (approval!.Action, approval.Nonce, approval.Passkey!.Text));
        Assert.True(approval.IsBy(Vectors.Key("passkey").PublicKey, Origin(expected.Text("origin"))));
    }

    [Fact]
    public void The_operator_proof_of_the_vectors_is_read_with_its_origin()
    {
        Assert.Equal(Refusal.None, OperatorProof.Read(Vectors.Section("passkey_proof").Text("token"), PublicUrl, Vectors.Now, out var proof));
        Assert.Equal((Vectors.Key("passkey").PublicKey, "third operator", SoftPasskey.UsualOrigin), (proof!.Key, proof.Name, proof.Passkey!.Text));
    }

    [Fact]
    public void Each_key_signs_in_its_own_form_only()
    {
        var passkey = new SoftPasskey();
        var byPasskey = Read(passkey.Approve(PublicUrl, Action, "n", Vectors.Now));
        Assert.True(byPasskey.IsBy(passkey.Key, passkey.Origin));
        Assert.False(byPasskey.IsBy(passkey.Key, null));
        Assert.False(byPasskey.IsBy(passkey.Key, Origin("http://localhost:3000")));
        Assert.False(byPasskey.IsBy(new SoftPasskey().Key, passkey.Origin));

        var byKey = Read(Approval.Create(Vectors.Key("operator 2"), PublicUrl, Action, "n", Vectors.Now));
        Assert.True(byKey.IsBy(Vectors.Key("operator 2").PublicKey, null));
        Assert.False(byKey.IsBy(Vectors.Key("operator 2").PublicKey, passkey.Origin));
    }

    [Fact]
    public void It_is_for_one_registry_one_purpose_and_an_hour()
    {
        var passkey = new SoftPasskey();
        var approval = passkey.Approve(PublicUrl, Action, "n", Vectors.Now);
        Assert.Equal(Refusal.ApprovalStale, Approval.Read(approval, PublicUrl, Vectors.Now.AddHours(1).AddSeconds(1), out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(approval, "https://attacker.example", Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, OperatorProof.Read(approval, PublicUrl, Vectors.Now, out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(passkey.Prove(PublicUrl, "third operator", Vectors.Now), PublicUrl, Vectors.Now, out _));
        // The claims of one under the name of the other: what was signed is not that.
        var renamed = approval.Split('.');
        renamed[0] = passkey.Sign("agentid-operator+passkey", "{}").Split('.')[0];
        Assert.Equal(Refusal.ProofInvalid, OperatorProof.Read(string.Join('.', renamed), PublicUrl, Vectors.Now, out _));
    }

    [Fact]
    public void Changed_parameters_a_changed_nonce_and_a_changed_time_refuse()
    {
        var genuine = new SoftPasskey().Approve(PublicUrl, Action, "n", Vectors.Now);
        foreach (var (said, instead) in new[] { ("[6]", "[7]"), ("false alarm", "false_alarm"), ("\"nonce\":\"n\"", "\"nonce\":\"m\""), ($"{Vectors.Seconds}", $"{Vectors.Seconds + 1}"), ("restore", "recover") })
            Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(WithPart(genuine, 1, claims => claims.Replace(said, instead, StringComparison.Ordinal)), PublicUrl, Vectors.Now, out _));
    }

    [Fact]
    public void There_is_one_spelling()
    {
        var genuine = new SoftPasskey().Approve(PublicUrl, Action, "n", Vectors.Now);
        Assert.NotNull(Read(genuine));
        string[] refused =
        [
            WithPart(genuine, 0, header => header.Replace("{\"alg\"", "{ \"alg\"", StringComparison.Ordinal)),
            WithPart(genuine, 0, header => header.Replace("ES256", "EdDSA", StringComparison.Ordinal)),
            WithPart(genuine, 0, header => header.Replace("+passkey", "+jwt", StringComparison.Ordinal)),
            WithPart(genuine, 0, header => header[..^1] + ",\"zip\":\"DEF\"}"),
            WithPart(genuine, 1, claims => claims.Replace(",\"aud\"", ", \"aud\"", StringComparison.Ordinal)),
            genuine + ".", genuine + "=", "." + genuine, genuine[..genuine.LastIndexOf('.')], genuine.Replace('.', ' '), "....",
            genuine + new string('A', Approval.LengthMax),
        ];
        foreach (var text in refused)
            Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(text, PublicUrl, Vectors.Now, out _));
    }

    [Fact]
    public void Claims_that_are_not_in_canonical_form_refuse_though_they_are_signed()
    {
        var passkey = new SoftPasskey();
        var claims = $"{{\"action\":{Action},\"aud\":\"{PublicUrl}\",\"iat\":{Vectors.Seconds},\"nonce\":\"n\"}}";
        Assert.Equal(Refusal.None, Approval.Read(passkey.Sign("agentid-approval+passkey", claims), PublicUrl, Vectors.Now, out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(passkey.Sign("agentid-approval+passkey", claims.Replace(":", ": ", StringComparison.Ordinal)), PublicUrl, Vectors.Now, out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(passkey.Sign("agentid-approval+passkey", claims[..^1] + ",\"other\":1}"), PublicUrl, Vectors.Now, out _));
    }

    [Fact]
    public void Every_changed_character_refuses()
    {
        var genuine = new SoftPasskey().Approve(PublicUrl, Action, "n", Vectors.Now);
        for (var at = 0; at < genuine.Length; at++)
        {
            var changed = genuine.ToCharArray();
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(new string(changed), PublicUrl, Vectors.Now, out _));
        }
    }

    [Theory]
    [InlineData("http://localhost:5003")]
    [InlineData("https://localhost")]
    [InlineData("https://console.example:8443")]
    public void An_origin_has_one_spelling(string text)
    {
        Assert.Equal(text, Origin(text).Text);
        foreach (var other in new[] { text + "/", text.ToUpperInvariant(), text + "/console", text + ":0", " " + text })
            Assert.False(PasskeyOrigin.TryParse(other, out _));
    }

    [Fact]
    public void The_longest_erasure_fits()
    {
        var indexes = Enumerable.Range(0, 1000).Select(i => new LeafIndex((1UL << 50) + (ulong)i)).ToArray();
        var approval = new SoftPasskey().Approve(PublicUrl, ApprovedAction.Erase(Vectors.AgentId, indexes, new string('x', 500)), "n", Vectors.Now);
        Assert.InRange(approval.Length, 20_000, Approval.LengthMax);
        Assert.NotNull(Read(approval));
    }

    private static Approval Read(string token)
    {
        Assert.Equal(Refusal.None, Approval.Read(token, PublicUrl, Vectors.Now, out var approval));
        return approval!;
    }

    private static PasskeyOrigin Origin(string text) => PasskeyOrigin.TryParse(text, out var origin) ? origin : throw new ArgumentException(text);

    private static string WithPart(string token, int index, Func<string, string> change)
    {
        var parts = token.Split('.');
        var decoded = new byte[CanonicalBase64Url.DecodedLength(parts[index].Length)];
        Assert.True(CanonicalBase64Url.TryDecode(parts[index], decoded, out _));
        var changed = change(Encoding.UTF8.GetString(decoded));
        Assert.NotEqual(Encoding.UTF8.GetString(decoded), changed);
        parts[index] = CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(changed));
        return string.Join('.', parts);
    }
}
