using AgentIdentity.Credentials;
using AgentIdentity.Server.Grpc;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

public sealed class RefusalStatusTests
{
    [Fact]
    public void Every_refusal_has_a_status_that_is_neither_OK_nor_a_failure_of_ours()
    {
        foreach (var refusal in Enum.GetValues<Refusal>().Where(refusal => refusal != Refusal.None))
            Assert.DoesNotContain(RefusalStatus.Code(refusal), new[] { StatusCode.OK, StatusCode.Unknown, StatusCode.Internal });
    }

    [Fact]
    public void A_refusal_that_nobody_thought_of_is_a_bug_and_not_a_status() =>
        Assert.Throws<InvalidOperationException>(() => RefusalStatus.Code((Refusal)9999));

    [Fact]
    public void The_details_carry_the_reason_its_domain_and_when_to_try_again()
    {
        var status = Google.Rpc.Status.Parser.ParseFrom(RefusalStatus.Details(new CallRefusedException(Refusal.QuotaExceeded, "Too many calls.", TimeSpan.FromMilliseconds(250))));
        Assert.Equal(((int)StatusCode.ResourceExhausted, "Too many calls."), (status.Code, status.Message));
        var info = status.Details[0].Unpack<Google.Rpc.ErrorInfo>();
        Assert.Equal(("QUOTA_EXCEEDED", "agentidentity.v1"), (info.Reason, info.Domain));
        Assert.Equal(TimeSpan.FromMilliseconds(250), status.Details[1].Unpack<Google.Rpc.RetryInfo>().RetryDelay.ToTimeSpan());
    }
}
