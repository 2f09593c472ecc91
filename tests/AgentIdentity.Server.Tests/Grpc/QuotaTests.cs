using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>A quota of three calls for each key, at a registry where no time passes between calls.</summary>
public sealed class QuotaTests : IAsyncLifetime
{
    private const int Quota = 3;

    private TestRegistry _registry = null!;
    private TestAgent _busy = null!;
    private TestAgent _other = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync(new TimelessClock(), $"--quota-per-key={Quota}");
        (_busy, _other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
    }

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_key_that_has_used_its_quota_up_is_refused_by_name_and_another_from_the_same_address_is_served()
    {
        using var busy = new RawCaller(_registry.GrpcUrl, _registry.PublicUrl, _busy.Key);
        using var other = new RawCaller(_registry.GrpcUrl, _registry.PublicUrl, _other.Key);
        var answers = new List<RawAnswer>();
        for (var call = 0; call < Quota + 1; call++)
            answers.Add(await LookAsync(busy, _busy));
        Assert.Equal((StatusCode.ResourceExhausted, "QUOTA_EXCEEDED"), (answers[^1].Status, answers[^1].Reason));
        Assert.Contains("one key", answers[^1].Detail, StringComparison.Ordinal);
        Assert.Equal(StatusCode.OK, (await LookAsync(other, _other)).Status);
    }

    [Fact]
    public async Task An_operator_on_the_control_listener_has_no_quota()
    {
        for (var call = 0; call < 3 * Quota; call++)
            await _registry.AsOperator.Control.ListStopsAsync(new ListStopsRequest());
    }

    [Fact]
    public async Task Statements_count_for_the_key_that_has_signed_them_and_forged_ones_for_nobody()
    {
        using var anyone = _registry.Connect();
        var forged = _other.NextStatement();
        var honest = forged.Clone();
        forged.Signature = ByteString.CopyFrom(new byte[forged.Signature.Length]);
        for (var call = 0; call < 2 * Quota; call++)
            await Refused.BecauseAsync(Refusal.SignatureInvalid, StatusCode.Unauthenticated, anyone.Ledger.RecordAsync(forged));

        for (var call = 0; call < Quota; call++)
            await anyone.Ledger.RecordAsync(_busy.NextStatement());
        var before = _registry.Host.Registry.State.FindAgent(_busy.Enrolled.AgentId)!.Chain(_busy.Key.PublicKey.KeyId).Next;
        await Refused.BecauseAsync(Refusal.QuotaExceeded, StatusCode.ResourceExhausted, anyone.Ledger.RecordAsync(_busy.NextStatement()));
        Assert.Equal(before, _registry.Host.Registry.State.FindAgent(_busy.Enrolled.AgentId)!.Chain(_busy.Key.PublicKey.KeyId).Next);
        await anyone.Ledger.RecordAsync(honest);
    }

    [Fact]
    public async Task What_was_recorded_before_uses_nobodys_quota_up_whoever_sends_it_again()
    {
        using var anyone = _registry.Connect();
        var old = _busy.NextStatement();
        var index = (await anyone.Ledger.RecordAsync(old)).LedgerIndex;
        for (var call = 0; call < 3 * Quota; call++)
            Assert.Equal(index, (await anyone.Ledger.RecordAsync(old)).LedgerIndex);
        await anyone.Ledger.RecordAsync(_busy.NextStatement());
    }

    private static Task<RawAnswer> LookAsync(RawCaller caller, TestAgent agent) =>
        caller.SendAsync("/agentidentity.v1.Registry/GetAgent", new GetAgentRequest { Agent = agent.Did }.ToByteArray());

    /// <summary>The true time of day, and none that passes.</summary>
    private sealed class TimelessClock : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }
}
