using AgentIdentity.Credentials;
using EntryKind = AgentIdentity.Credentials.Entries.EntryKind;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>The search over the wire: who finds whose, what is on the record, and what is refused. Who may call at all is the access table's.</summary>
public sealed class FindCommitmentTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task An_agent_finds_its_own_and_an_auditor_and_an_operator_find_all_on_the_record()
    {
        var (one, other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        using var asOne = one.Connect();
        using var asOther = other.Connect();
        using var auditor = _registry.Connect(await _registry.RegisterAsync(Role.Auditor, "auditor"));
        var statement = one.NextStatement(3);
        var recorded = await asOne.Ledger.RecordAsync(statement);
        await asOther.Ledger.RecordAsync(other.NextStatement(3));
        Assert.True(SignedStatement.TryRead(statement.Statement.Memory, out var signed));
        var request = new FindCommitmentRequest { Commitments = { Bytes(Sha256.Hash("nothing"u8)), Bytes(signed.Commitments[1]) } };
        var before = _registry.Host.Registry.State.Position;

        var own = await asOne.Ledger.FindCommitmentAsync(request);
        Assert.Empty(_registry.WrittenSince(before));
        var found = Assert.Single(own.Found);
        Assert.Equal((1U, recorded.LedgerIndex, one.Did, 0UL, recorded.RecordedAt), (found.Commitment, found.LedgerIndex, found.Agent, found.Sequence, found.SequencedAt));
        Assert.Equal((Bytes(signed.Identity), EntryClass.Activity, recorded.SubjectSequence), (found.Statement, found.EntryClass, found.SubjectSequence));
        Assert.InRange(own.SearchedSize, recorded.LedgerIndex + 1, own.At.Position);
        Assert.False(own.HasNextCommitment);
        Assert.Equal([other.Did], (await asOther.Ledger.FindCommitmentAsync(request)).Found.Select(one => one.Agent));

        before = _registry.Host.Registry.State.Position;
        Assert.Equal([one.Did, other.Did], (await auditor.Ledger.FindCommitmentAsync(request)).Found.Select(one => one.Agent));
        Assert.Equal(2, (await _registry.AsOperator.Ledger.FindCommitmentAsync(request)).Found.Count);
        Assert.Equal(Enumerable.Repeat(EntryKind.PrivateDataRead, 2), _registry.WrittenSince(before));
    }

    [Fact]
    public async Task What_does_not_fit_on_a_page_follows_on_the_next()
    {
        var agent = await _registry.EnrolAsync();
        using var self = agent.Connect();
        var recorded = new List<ulong>();
        var statements = Enumerable.Range(0, 5).Select(_ => agent.NextStatement()).ToList();
        foreach (var statement in statements)
            recorded.Add((await self.Ledger.RecordAsync(statement)).LedgerIndex);
        var wanted = statements.Select(statement => SignedStatement.TryRead(statement.Statement.Memory, out var read) ? Bytes(read.Commitments[0]) : ByteString.Empty).ToList();

        var request = new FindCommitmentRequest { Commitments = { wanted }, PageSize = 3 };
        var first = await self.Ledger.FindCommitmentAsync(request);
        Assert.Equal((3, true, 3U, recorded[3]), (first.Found.Count, first.HasNextCommitment, first.NextCommitment, first.NextIndex));
        var rest = new FindCommitmentRequest { Commitments = { wanted.Skip(3) }, FromIndex = first.NextIndex, PageSize = 3 };
        var second = await self.Ledger.FindCommitmentAsync(rest);
        Assert.Equal(recorded, first.Found.Concat(second.Found).Select(found => found.LedgerIndex));
        Assert.False(second.HasNextCommitment);
    }

    public static TheoryData<int, int, uint> Wrong => new() { { 0, 32, 0 }, { 101, 32, 0 }, { 1, 31, 0 }, { 1, 33, 0 }, { 1, 0, 0 }, { 1, 32, 1001 } };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task None_too_many_or_no_commitments_and_too_long_pages_are_malformed_and_leave_nothing_on_the_record(int count, int length, uint pageSize)
    {
        var request = new FindCommitmentRequest { PageSize = pageSize };
        request.Commitments.AddRange(Enumerable.Repeat(ByteString.CopyFrom(new byte[length]), count));
        var before = _registry.Host.Registry.State.Position;
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, _registry.AsOperator.Ledger.FindCommitmentAsync(request));
        Assert.Empty(_registry.WrittenSince(before));
    }

    [Fact]
    public async Task A_hundred_are_looked_for_at_a_time_also_behind_the_end()
    {
        var request = new FindCommitmentRequest { FromIndex = ulong.MaxValue };
        request.Commitments.AddRange(Enumerable.Range(0, 100).Select(i => Bytes(Sha256.Hash(BitConverter.GetBytes(i)))));
        Assert.Empty((await _registry.AsOperator.Ledger.FindCommitmentAsync(request)).Found);
    }

    private static ByteString Bytes(Hash hash) => ByteString.CopyFrom(hash.ToArray());
}
