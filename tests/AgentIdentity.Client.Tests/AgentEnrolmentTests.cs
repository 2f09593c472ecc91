using System.Text;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

public sealed class AgentEnrolmentTests : IAsyncLifetime
{
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);
    private FakeRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await FakeRegistry.StartAsync(new ManualTime());

    public Task DisposeAsync() => _registry.DisposeAsync().AsTask();

    [Fact]
    public async Task A_token_and_a_key_become_an_agent_with_a_credential()
    {
        using var connection = _registry.Connect();
        var agent = await AgentEnrolment.EnrollAsync(connection, FakeRegistry.Token, _key);
        Assert.Equal(_registry.AgentDid, agent.Did);
        Assert.Equal(_registry.AgentId, agent.AgentId);
        Assert.Equal("localhost:5000", agent.Origin);
        Assert.Equal(TimeSpan.FromSeconds(600), agent.Credential.ExpiresAt - agent.Credential.NotBefore);
        Assert.Equal(_key.PublicKey.KeyId, _registry.AgentKey!.KeyId);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_by_name()
    {
        using var connection = _registry.Connect();
        var refusal = await Assert.ThrowsAsync<RegistryRefusedException>(() => AgentEnrolment.EnrollAsync(connection, "aie_wrong", _key));
        Assert.Equal(Refusal.TokenInvalid, refusal.Refusal);
    }

    [Fact]
    public async Task Nothing_is_shown_to_a_server_that_calls_itself_something_else()
    {
        _registry.ClaimedUrl = "https://other.example";
        using var connection = _registry.Connect();
        await Assert.ThrowsAsync<InvalidDataException>(() => AgentEnrolment.EnrollAsync(connection, FakeRegistry.Token, _key));
        Assert.Equal(["BeginEnroll"], _registry.Calls);
    }

    [Fact]
    public void What_an_agent_remembers_is_read_as_it_was_written()
    {
        var state = new AgentState(_registry.AgentDid, _registry.AgentId, "localhost:5000", FakeRegistry.PublicUrl);
        Assert.True(AgentState.TryParse(Encoding.UTF8.GetBytes(state.ToJson()), out var read));
        Assert.Equal(state, read);
    }

    [Theory]
    [InlineData("did")]
    [InlineData("agent_id")]
    [InlineData("origin")]
    [InlineData("public_url")]
    public void What_an_agent_remembers_is_refused_when_a_part_of_it_is_missing_or_wrong(string member)
    {
        var json = new AgentState(_registry.AgentDid, _registry.AgentId, "localhost:5000", FakeRegistry.PublicUrl).ToJson();
        Assert.False(AgentState.TryParse(Encoding.UTF8.GetBytes(json.Replace($"\"{member}\"", "\"other\"", StringComparison.Ordinal)), out _));
        Assert.False(AgentState.TryParse("[]"u8.ToArray(), out _));
        Assert.False(AgentState.TryParse("{"u8.ToArray(), out _));
    }
}
