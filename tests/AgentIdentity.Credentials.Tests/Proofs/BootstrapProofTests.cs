using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class BootstrapProofTests
{
    private static readonly string PublicUrl = Vectors.Registry.PublicUrl;
    private static readonly Hash SecretHash = Sha256.Hash("a secret"u8);

    [Fact]
    public void The_proofs_of_the_vectors_are_read()
    {
        foreach (var expected in Vectors.Section("bootstrap_proofs").EnumerateArray())
        {
            var secretHash = Sha256.Hash(Vectors.Utf8(expected.Text("secret")));
            Assert.Equal(Refusal.None, BootstrapProof.Read(expected.GetProperty("token").Text("token"), PublicUrl, secretHash, Vectors.Now, out var proof));
            Assert.Equal(expected.Text("name"), proof!.Name);
        }
    }

    [Fact]
    public void The_Ed25519_proof_of_the_vectors_is_made_the_same_again()
    {
        var expected = Vectors.Section("bootstrap_proofs")[0];
        var made = BootstrapProof.Create(Vectors.Key("operator 1"), PublicUrl, Sha256.Hash(Vectors.Utf8(expected.Text("secret"))), expected.Text("name"), Vectors.Now);
        Assert.Equal(expected.GetProperty("token").Text("token"), made);
    }

    [Fact]
    public void It_is_for_one_registry_and_one_secret_and_five_minutes()
    {
        var key = Vectors.Key("operator 2");
        var genuine = BootstrapProof.Create(key, PublicUrl, SecretHash, "Ada \"the first\"", Vectors.Now);
        Assert.Equal(Refusal.None, BootstrapProof.Read(genuine, PublicUrl, SecretHash, Vectors.Now.AddSeconds(300), out var proof));
        Assert.Equal((key.PublicKey, "Ada \"the first\""), (proof!.Key, proof.Name));
        Assert.Equal(Refusal.ProofStale, BootstrapProof.Read(genuine, PublicUrl, SecretHash, Vectors.Now.AddSeconds(301), out _));
        Assert.Equal(Refusal.ProofStale, BootstrapProof.Read(genuine, PublicUrl, SecretHash, Vectors.Now.AddSeconds(-301), out _));
        Assert.Equal(Refusal.ProofInvalid, BootstrapProof.Read(genuine, "https://attacker.example", SecretHash, Vectors.Now, out _));
        Assert.Equal(Refusal.ProofInvalid, BootstrapProof.Read(genuine, PublicUrl, Sha256.Hash("another"u8), Vectors.Now, out _));
        Assert.Equal(Refusal.ProofMissing, BootstrapProof.Read(null, PublicUrl, SecretHash, Vectors.Now, out _));
    }

    [Fact]
    public void No_other_proof_stands_in_for_it()
    {
        var enrolment = EnrolmentProof.Create(Vectors.Key("operator 1"), PublicUrl, "challenge", SecretHash, Vectors.Now);
        Assert.Equal(Refusal.ProofInvalid, BootstrapProof.Read(enrolment, PublicUrl, SecretHash, Vectors.Now, out _));
    }
}
