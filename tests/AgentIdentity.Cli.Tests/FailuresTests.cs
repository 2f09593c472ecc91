using Grpc.Core;

namespace AgentIdentity.Cli.Tests;

public sealed class FailuresTests
{
    [Theory]
    [InlineData(StatusCode.DeadlineExceeded, "No answer came within 10 seconds. Whether it was done is not known.")]
    [InlineData(StatusCode.Unavailable, "No answer came that could be read: cut. Whether it was done is not known.")]
    public void A_call_whose_answer_is_lost_says_that_its_outcome_is_unknown_and_where_to_look(StatusCode code, string said)
    {
        var failure = Failures.Explain(new RpcException(new Status(code, code == StatusCode.DeadlineExceeded ? "" : "cut.")))!;

        Assert.Equal((ExitCode.Unreachable, said), (failure.ExitCode, failure.Message));
        Assert.Contains("agentid stops", failure.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_that_reached_nobody_does_not_say_that_it_may_have_been_done()
    {
        var nobody = new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused");

        foreach (var failure in new[] { Failures.Explain(nobody)!, Failures.Explain(new RpcException(new Status(StatusCode.Unavailable, "refused", nobody)))! })
        {
            Assert.Equal(ExitCode.Unreachable, failure.ExitCode);
            Assert.StartsWith("Nobody answered: ", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("on record", failure.Next, StringComparison.Ordinal);
        }
    }
}
