using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>did:key as the name of an agent: whoever knows the key alone can say whom they mean.</summary>
public sealed class HolderTests(SharedRegistry shared) : IClassFixture<SharedRegistry>
{
    private const string PassedOn = """[{"type":"documents","actions":["read"],"locations":["https://tools.example/documents/*"]}]""";
    private const string MayPassOn = """[{"type":"documents","actions":["read"],"locations":["https://tools.example/documents/*"],"maxDepth":1}]""";

    private readonly TestRegistry _registry = shared.Registry;

    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public async Task A_key_names_the_agent_that_holds_it(KeyAlgorithm algorithm)
    {
        var (agent, other) = (await _registry.EnrolAsync(algorithm), await _registry.EnrolAsync(envelope: MayPassOn));
        var holder = Multikey.Did(agent.Key.PublicKey);
        Assert.Equal(agent.Did, (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = holder })).Agent.Did);

        using var delegator = _registry.Connect(other.Key, _ => new(other.Credential));
        var passedOn = (await delegator.Credentials.DelegateAsync(new DelegateRequest { Agent = holder, AuthorizationDetails = PassedOn })).Credential.Token;
        var verified = await _registry.AsOperator.Credentials.VerifyAsync(TestAgent.Presents(passedOn, agent.Key));
        Assert.Equal((true, agent.Did), (verified.Allowed, verified.Presented.Did));

        await _registry.StopAgentAsync(holder);
        Assert.Equal(AgentState.Frozen, (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent.Did })).Agent.State);
    }

    [Fact]
    public async Task A_key_that_is_nobodys_now_names_nobody()
    {
        var agent = await _registry.EnrolAsync();
        using var next = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await RefusedAsync(Refusal.AgentUnknown, StatusCode.NotFound, Multikey.Did(next.PublicKey));
        using var open = _registry.Connect();
        await AgentKeyRotation.RotateAsync(open, agent.Enrolled.AgentId, agent.Key, next);
        await RefusedAsync(Refusal.AgentUnknown, StatusCode.NotFound, Multikey.Did(agent.Key.PublicKey));
        Assert.Equal(agent.Did, (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = Multikey.Did(next.PublicKey) })).Agent.Did);
        foreach (var malformed in new[] { "did:key:", "did:key:z6Mk", Multikey.Method(next.PublicKey), Multikey.Did(next.PublicKey) + "a", " " + Multikey.Did(next.PublicKey) })
            await RefusedAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, malformed);
    }

    private Task RefusedAsync(Refusal refusal, StatusCode status, string agent) =>
        Refused.BecauseAsync(refusal, status, _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent }));
}
