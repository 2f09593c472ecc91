using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;

namespace AgentIdentity.Server.Tests;

/// <summary>Erasing and holding over the wire, by operators on the control listener.</summary>
public sealed class ErasureTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task What_was_erased_is_listed_by_its_stub_and_the_reply_says_what_is_left_to_do()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        var statement = agent.NextStatement();
        var index = (await runtime.Ledger.RecordAsync(statement)).LedgerIndex;
        var request = new EraseRequest { Agent = agent.Did, LedgerIndexes = { index }, Reason = "asked for" };
        var action = ApprovedAction.Erase(agent.Enrolled.AgentId, [new LeafIndex(index)], "asked for");

        await Refused.BecauseAsync(Refusal.NeedsTwoOperators, StatusCode.InvalidArgument, _registry.AsOperator.Admin.EraseAsync(request));
        var hold = await _registry.AsOperator.Admin.PlaceHoldAsync(new PlaceHoldRequest { Agent = agent.Did, Reason = "a court" });
        request.Approvals.Add(await ApproveAsync(action));
        await Refused.BecauseAsync(Refusal.AgentHeld, StatusCode.FailedPrecondition, _registry.AsOperator.Admin.EraseAsync(request));
        var lift = new LiftHoldRequest { Agent = agent.Did, HoldIndex = hold.LedgerIndex, Reason = "over" };
        lift.Approvals.Add(await ApproveAsync(ApprovedAction.LiftHold(agent.Enrolled.AgentId, new LeafIndex(hold.LedgerIndex), "over")));
        Assert.True((await _registry.AsOperator.Admin.LiftHoldAsync(lift)).SingleOperator);

        var done = await _registry.AsOperator.Admin.EraseAsync(request);
        Assert.Equal((1U, true, true), (done.Erased, done.SingleOperator, done.BackupsMustBeRedone));
        var trail = (await runtime.Ledger.ListTrailAsync(new ListTrailRequest { Agent = agent.Did })).Entries;
        var erased = Assert.Single(trail, entry => !entry.ErasedStub.IsEmpty);
        Assert.Equal((index, 0, 0), (erased.LedgerIndex, erased.Entry.Length, erased.Salt.Length));
        Assert.Equal(index, (await runtime.Ledger.RecordAsync(statement)).LedgerIndex);
    }

    private async Task<string> ApproveAsync(string action)
    {
        var begun = await _registry.AsOperator.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = action });
        Assert.Equal((action, 1U), (begun.Action, begun.OperatorsNeeded));
        return Approval.Create(_registry.Operator, _registry.PublicUrl, action, begun.Nonce, TimeProvider.System.GetUtcNow());
    }
}
