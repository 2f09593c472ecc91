using AgentIdentity.Client;
using AgentIdentity.Client.Meeting;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;

namespace AgentIdentity.Server.Tests;

/// <summary>Two agents of a real registry meet with what the client library fetches for them.</summary>
public sealed class MeetingTests
{
    private const string Purpose = "hand over the draft";
    private static readonly byte[] Channel = "a TLS exporter"u8.ToArray();

    private readonly AdvancedClock _clock = new();

    [Fact]
    public async Task Two_agents_know_each_other_over_a_rotation_of_the_registrys_key_and_until_one_is_stopped()
    {
        await using var registry = await TestRegistry.StartAsync(_clock);
        var (alice, bob) = (await registry.EnrolAsync(), await registry.EnrolAsync());
        using var ofAlice = MeetingsOf(registry, alice, alice.Credential);
        using (var ofBob = MeetingsOf(registry, bob, bob.Credential))
        {
            var peer = await MeetAsync(ofAlice, alice, ofBob, bob);
            Assert.Equal((bob.Enrolled.AgentId, TestRegistry.Sponsor), (peer.AgentId, peer.Sponsor));
            Assert.Equal(alice.Enrolled.AgentId, (await MeetAsync(ofBob, bob, ofAlice, alice)).AgentId);
        }

        await registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest());
        using var connection = new RegistryConnection(registry.Address with { Clock = _clock }, bob.Key);
        var renewed = (await connection.Credentials.RenewAsync(new RenewRequest { Credential = bob.Credential })).Credential.Token;
        _clock.Ahead += TimeSpan.FromSeconds(10);
        using var again = MeetingsOf(registry, bob, renewed);
        Assert.Equal(bob.Enrolled.AgentId, (await MeetAsync(ofAlice, alice, again, bob)).AgentId);

        await registry.StopAgentAsync(bob.Did);
        _clock.Ahead += StatusListFormat.Cadence;
        Assert.Equal(Refusal.PeerStopped, (await AskAsync(ofAlice, alice, again, bob)).Refusal);
    }

    private AgentMeetings MeetingsOf(TestRegistry registry, TestAgent agent, string credential) =>
        new(registry.Address with { Clock = _clock }, agent.Enrolled.AgentId, agent.Key, _ => new ValueTask<string>(credential));

    private static async Task<CredentialClaims> MeetAsync(AgentMeetings asks, TestAgent asking, AgentMeetings answers, TestAgent answering)
    {
        var met = await AskAsync(asks, asking, answers, answering);
        Assert.Equal(Refusal.None, met.Refusal);
        return met.Peer!;
    }

    private static async Task<Met> AskAsync(AgentMeetings asks, TestAgent asking, AgentMeetings answers, TestAgent answering)
    {
        var challenge = asks.Challenge(answering.Enrolled.AgentId, Purpose, Channel);
        var reply = await answers.RespondAsync(challenge.Text, asking.Enrolled.AgentId, Purpose, Channel);
        Assert.Equal(Refusal.None, reply.Refusal);
        return await challenge.VerifyAsync(reply.Answer!, TimeSpan.FromMinutes(1));
    }
}
