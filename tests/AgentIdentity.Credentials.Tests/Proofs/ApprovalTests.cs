using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Proofs;

public sealed class ApprovalTests
{
    private static readonly string PublicUrl = Vectors.Registry.PublicUrl;
    private static readonly string Action = ApprovedAction.Erase(Vectors.AgentId, [new LeafIndex(5)], "a person has asked for it");

    [Fact]
    public void The_approvals_of_the_vectors_are_read_and_are_of_the_action_made_by_hand()
    {
        foreach (var expected in Vectors.Section("approvals").EnumerateArray())
        {
            Assert.Equal(Refusal.None, Approval.Read(expected.GetProperty("token").Text("token"), PublicUrl, Vectors.Now, out var approval));
            Assert.Equal((Action, expected.Text("nonce")), (approval!.Action, approval.Nonce));
            Assert.Equal(expected.Text("action"), approval.Action);
            Assert.Equal(Vectors.Key(expected.Text("name")).PublicKey, approval.Key);
        }
    }

    [Fact]
    public void The_Ed25519_approval_of_the_vectors_is_made_the_same_again()
    {
        var expected = Vectors.Section("approvals")[0];
        Assert.Equal(expected.GetProperty("token").Text("token"), Approval.Create(Vectors.Key("operator 1"), PublicUrl, Action, expected.Text("nonce"), Vectors.Now));
    }

    [Fact]
    public void It_is_for_one_registry_and_for_an_hour()
    {
        var genuine = Approval.Create(Vectors.Key("operator 2"), PublicUrl, Action, "n", Vectors.Now);
        Assert.Equal(Refusal.None, Approval.Read(genuine, PublicUrl, Vectors.Now.AddHours(1), out _));
        Assert.Equal(Refusal.ApprovalStale, Approval.Read(genuine, PublicUrl, Vectors.Now.AddHours(1).AddSeconds(1), out _));
        Assert.Equal(Refusal.ApprovalStale, Approval.Read(genuine, PublicUrl, Vectors.Now.AddHours(-1).AddSeconds(-1), out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(genuine, "https://attacker.example", Vectors.Now, out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(genuine[..^2], PublicUrl, Vectors.Now, out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(null, PublicUrl, Vectors.Now, out _));
        Assert.Equal(Refusal.ApprovalInvalid, Approval.Read(BootstrapProof.Create(Vectors.Key("operator 1"), PublicUrl, default, "n", Vectors.Now), PublicUrl, Vectors.Now, out _));
    }

    [Fact]
    public void The_longest_erasure_fits()
    {
        var indexes = Enumerable.Range(0, 1000).Select(i => new LeafIndex((1UL << 50) + (ulong)i)).ToArray();
        var action = ApprovedAction.Erase(Vectors.AgentId, indexes, new string('x', 500));
        var approval = Approval.Create(Vectors.Key("operator 2"), PublicUrl, action, "n", Vectors.Now);
        Assert.InRange(approval.Length, 20_000, Approval.LengthMax);
        Assert.Equal(Refusal.None, Approval.Read(approval, PublicUrl, Vectors.Now, out var read));
        Assert.Equal(action, read!.Action);
    }
}
