using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using Grpc.Core;
using Grpc.Net.Client;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>The watch as an enforcer meets it on the network.</summary>
public sealed class WatchTests
{
    private static readonly string[] Both = [TestRegistry.Documents, TestRegistry.Mail];

    [Fact]
    public async Task A_responder_sees_a_stop_go_from_recorded_to_enforced_while_the_enforcer_signs()
    {
        await using var registry = await TestRegistry.StartAsync();
        var agent = await registry.EnrolAsync();
        var key = await registry.RegisterAsync(Role.Enforcer, "documents gateway");
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        using var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), key, registry.PublicUrl, Both);
        await enforcer.HeartbeatAsync();
        Assert.True(enforcer.Terms!.SingleOperator);
        Assert.True(Assert.Single(enforcer.Terms.Operators).OfGenesis);

        var stopped = await registry.StopAgentAsync(agent.Did);
        using var watching = registry.AsOperator.Control.WatchPropagation(new PropagationRequest { Stop = stopped.LedgerIndex });
        Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StopLevel.Nodes, watching.ResponseStream.Current.Level);

        await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Delta);
        await enforcer.SignAsync();
        while (watching.ResponseStream.Current.Level < StopLevel.Enforced)
            Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        var stop = Assert.Single(watching.ResponseStream.Current.Stops);
        Assert.Equal(EnforcerProgress.Acknowledged, Assert.Single(stop.Enforcers).Progress);
        Assert.Equal(stopped.Epoch, stop.Enforcers[0].Epoch);
        Assert.True(watching.ResponseStream.Current.SingleOperator);

        var proof = (await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Proof)).Proof;
        Assert.Equal(stopped.LedgerIndex, proof.LedgerIndex);
    }

    [Fact]
    public async Task A_stream_on_which_little_is_said_lives_on()
    {
        await using var registry = await TestRegistry.StartAsync();
        var key = await registry.RegisterAsync(Role.Enforcer, "documents gateway");
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        using var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), key, registry.PublicUrl, Both);

        await Task.Delay(Limits.BodyGrace * 2);

        await enforcer.HeartbeatAsync();
    }

    [Fact]
    public async Task A_stop_of_a_key_ends_the_streams_that_were_begun_with_it()
    {
        await using var registry = await TestRegistry.StartAsync();
        var agent = await registry.EnrolAsync();
        var (key, auditor) = (await registry.RegisterAsync(Role.Enforcer, "documents gateway"), await registry.RegisterAsync(Role.Auditor, "auditor"));
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        using var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), key, registry.PublicUrl, Both);
        using var connection = registry.Connect(auditor);
        using var watching = connection.Control.WatchPropagation(new PropagationRequest { Stop = (await registry.StopAgentAsync(agent.Did)).LedgerIndex });
        Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        foreach (var stolen in new[] { key, auditor })
            await registry.AsOperator.Control.StopAsync(new StopRequest { Scope = new Scope { Key = stolen.PublicKey.KeyId.ToString() }, State = AgentState.Frozen, Reason = "it was stolen" });
        Assert.Equal(Refusal.KeyStopped, await EndOf(enforcer));
        var end = await Assert.ThrowsAsync<RegistryRefusedException>(async () =>
        {
            while (await watching.ResponseStream.MoveNext(CancellationToken.None))
                Assert.True(watching.ResponseStream.Current.Level > StopLevel.Unspecified);
        });
        Assert.Equal(Refusal.KeyStopped, end.Refusal);
    }

    [Fact]
    public async Task What_is_no_watch_is_refused_by_name()
    {
        await using var registry = await TestRegistry.StartAsync();
        var key = await registry.RegisterAsync(Role.Enforcer, "documents gateway");
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        var client = new Access.AccessClient(channel);
        var nonce = await WireEnforcer.NonceAsync(client, registry.PublicUrl);

        using var auditor = WireEnforcer.Begin(client, await registry.RegisterAsync(Role.Auditor, "auditor"), registry.PublicUrl, Both, nonce);
        Assert.Equal(Refusal.NotPermitted, await EndOf(auditor));
        using var stranger = WireEnforcer.Begin(client, PrivateKey.Generate(KeyAlgorithm.Ed25519), registry.PublicUrl, Both, nonce);
        Assert.Equal(Refusal.CallerUnknown, await EndOf(stranger));
        using var foreign = WireEnforcer.Begin(client, key, registry.PublicUrl, Both, nonce, new WatchBegin { KnownCheckpoint = "no checkpoint" });
        Assert.Equal(Refusal.CheckpointNotOurs, await EndOf(foreign));
        using var twice = await WireEnforcer.BeginAsync(client, key, registry.PublicUrl, Both);
        await twice.SendAsync(new EnforcerMessage { Begin = new WatchBegin() });
        Assert.Equal(Refusal.MessageMalformed, await EndOf(twice));
    }

    [Fact]
    public async Task A_lie_about_the_digest_and_a_nonce_used_twice_end_the_stream_by_name()
    {
        await using var registry = await TestRegistry.StartAsync();
        var key = await registry.RegisterAsync(Role.Enforcer, "documents gateway");
        using var channel = GrpcChannel.ForAddress(registry.GrpcUrl);
        var client = new Access.AccessClient(channel);
        using (var liar = await WireEnforcer.BeginAsync(client, key, registry.PublicUrl, Both))
        {
            await liar.HeartbeatAsync();
            await liar.SignAsync(liar.Acknowledgement() with { Digest = Sha256.Hash("nothing at all"u8) });
            Assert.Equal(Refusal.AcknowledgementInvalid, await EndOf(liar));
        }
        using var replaying = await WireEnforcer.BeginAsync(client, key, registry.PublicUrl, Both);
        await replaying.HeartbeatAsync(new byte[16]);
        await replaying.SendNonceAsync(new byte[16]);
        Assert.Equal(Refusal.MessageMalformed, await EndOf(replaying));
    }

    [Fact]
    public async Task An_enforcer_goes_on_where_it_was_when_the_server_comes_back()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        var (note, epoch, key) = ("", 0UL, default(PrivateKey)!);
        var first = await TestRegistry.StartInAsync(folder);
        await first.FoundAsync();
        using (var channel = GrpcChannel.ForAddress(first.GrpcUrl))
        {
            var agent = await first.EnrolAsync();
            key = await first.RegisterAsync(Role.Enforcer, "documents gateway");
            using var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), key, first.PublicUrl, Both);
            await enforcer.HeartbeatAsync();
            await first.StopAgentAsync(agent.Did, AgentState.Revoked);
            await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Delta);
            (note, epoch) = (enforcer.LastNote, enforcer.Epoch);
            await first.DisposeAsync();
            await Assert.ThrowsAnyAsync<Exception>(() => enforcer.UntilAsync(RegistryMessage.OfOneofCase.Unlogged));
        }

        await using var again = await TestRegistry.StartInAsync(folder);
        using var next = GrpcChannel.ForAddress(again.GrpcUrl);
        using var back = await WireEnforcer.BeginAsync(new Access.AccessClient(next), key, again.PublicUrl, Both, new WatchBegin());
        Assert.Equal((epoch, 1), (back.Epoch, back.Denials));
        Assert.NotEmpty(note);
        await back.HeartbeatAsync();
    }

    private static async Task<Refusal?> EndOf(WireEnforcer enforcer)
    {
        var ended = await Assert.ThrowsAsync<RpcException>(() => enforcer.UntilAsync(RegistryMessage.OfOneofCase.Unlogged));
        return Refusals.TryParse(Refused.NameOf(ended), out var refusal) ? refusal : null;
    }
}
