using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Evidence;

public sealed class AgentVouchTests
{
    private static readonly string Url = Vectors.Registry.PublicUrl;
    private static readonly KeyId Newcomer = Vectors.Key("stating agent").PublicKey.KeyId;
    private static readonly Hash TokenHash = Sha256.Hash(Vectors.Utf8(Vectors.Section("enrolment_proof").Text("enrolment_token")));
    private static readonly string Genuine = Vectors.Section("evidence").GetProperty("vouch").Text("token");

    [Fact]
    public void The_vouch_of_the_vectors_is_read_and_made_the_same_again()
    {
        Assert.True(AgentVouch.IsOne(Genuine));
        Assert.Equal(Refusal.None, Read(Genuine, out var vouch));
        Assert.Equal(new AgentVouch(Vectors.Key("agent").PublicKey, Vectors.Section("evidence").Hash("vouch_hash"), Vectors.Seconds + 300), vouch);
        Assert.Equal(Genuine, AgentVouch.Create(Vectors.Key("agent"), Url, Newcomer, TokenHash, Vectors.Now));
    }

    [Fact]
    public void It_vouches_for_one_key_with_one_token_at_one_registry_for_five_minutes()
    {
        Assert.Equal(Refusal.EvidenceUnbound, AgentVouch.Read(Genuine, Anybody, Url, Vectors.Key("agent").PublicKey.KeyId, TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.EvidenceUnbound, AgentVouch.Read(Genuine, Anybody, Url, Newcomer, default, Vectors.Now, out _));
        Assert.Equal(Refusal.EvidenceAudienceMismatch, AgentVouch.Read(Genuine, Anybody, "https://elsewhere.example", Newcomer, TokenHash, Vectors.Now, out _));
        Assert.Equal(Refusal.EvidenceExpired, AgentVouch.Read(Genuine, Anybody, Url, Newcomer, TokenHash, Vectors.Now.AddSeconds(301), out _));
        Assert.Equal(Refusal.EvidenceNotYetValid, AgentVouch.Read(Genuine, Anybody, Url, Newcomer, TokenHash, Vectors.Now.AddSeconds(-301), out _));
    }

    [Fact]
    public void It_is_of_its_form_then_an_agents_then_signed_then_for_us_then_fresh()
    {
        const string elsewhere = "https://elsewhere.example";
        var unsigned = Genuine[..^86] + new string('A', 86);
        Assert.Equal(Refusal.EvidenceMalformed, AgentVouch.Read(unsigned[1..], _ => false, elsewhere, Newcomer, default, Vectors.Now, out _));
        Assert.Equal(Refusal.EvidenceIssuerUnknown, AgentVouch.Read(unsigned, _ => false, elsewhere, Newcomer, default, Vectors.Now, out _));
        Assert.Equal(Refusal.EvidenceSignatureInvalid, AgentVouch.Read(unsigned, Anybody, elsewhere, Newcomer, default, Vectors.Now, out _));
        Assert.Equal(Refusal.EvidenceAudienceMismatch, AgentVouch.Read(Genuine, Anybody, elsewhere, Newcomer, default, Vectors.Now.AddSeconds(301), out _));
        Assert.Equal(Refusal.EvidenceExpired, AgentVouch.Read(Genuine, Anybody, Url, Newcomer, default, Vectors.Now.AddSeconds(301), out _));
    }

    [Fact]
    public void No_letter_of_it_can_be_changed()
    {
        for (var i = 0; i < Genuine.Length; i++)
            Assert.NotEqual(Refusal.None, Read($"{Genuine[..i]}{(Genuine[i] == 'A' ? 'B' : 'A')}{Genuine[(i + 1)..]}", out _));
    }

    private static bool Anybody(KeyId key) => true;

    private static Refusal Read(string text, out AgentVouch? vouch) => AgentVouch.Read(text, Anybody, Url, Newcomer, TokenHash, Vectors.Now, out vouch);
}
