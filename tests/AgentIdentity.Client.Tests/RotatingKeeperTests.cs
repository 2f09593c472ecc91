using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Client.Tests;

/// <summary>A keeper that changes keys, against a registry that asks for evidence again.</summary>
public sealed class RotatingKeeperTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualTime _clock = new();
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _next = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private FakeRegistry _registry = null!;

    public async Task InitializeAsync()
    {
        _registry = await FakeRegistry.StartAsync(_clock);
        _registry.AgentKey = _key.PublicKey;
    }

    public async Task DisposeAsync()
    {
        await _registry.DisposeAsync();
        _key.Dispose();
        _next.Dispose();
    }

    [Fact]
    public async Task When_the_session_is_over_evidence_is_brought_under_the_key_of_then()
    {
        var options = new ConnectionOptions { GrpcUrl = _registry.GrpcUrl, PublicUrl = FakeRegistry.PublicUrl, Clock = _clock };
        using var connection = new RegistryConnection(options);
        var enrolled = new List<KeyId>();
        await using var keeper = new RotatingKeeper(options, _registry.AgentId, _key, enrolAgain: EnrolAsync);
        await keeper.GetAsync();
        _registry.Standing = Refusal.EvidenceDue;
        await keeper.RotateAsync(_next);
        Assert.Equal([_next.PublicKey.KeyId], enrolled);
        Assert.Equal(["a piece"], _registry.UsedEvidence);

        async Task EnrolAsync(PrivateKey key, CancellationToken cancellationToken)
        {
            enrolled.Add(key.PublicKey.KeyId);
            await AgentEnrolment.EnrollAsync(connection, FakeRegistry.Token, key, evidence: (_, _) => Task.FromResult("a piece"), cancellationToken: cancellationToken);
        }
    }

    [Fact]
    public async Task A_keeper_without_evidence_says_so_when_the_session_is_over()
    {
        var options = new ConnectionOptions { GrpcUrl = _registry.GrpcUrl, PublicUrl = FakeRegistry.PublicUrl, Clock = _clock };
        await using var keeper = new RotatingKeeper(options, _registry.AgentId, _key);
        await keeper.GetAsync();
        _registry.Standing = Refusal.EvidenceDue;
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => keeper.RotateAsync(_next));
        Assert.Equal(Refusal.EvidenceDue, refused.Refusal);
    }

    [Fact]
    public async Task A_rotation_ends_with_its_keeper_and_leaves_nothing_behind_that_asks_for_credentials()
    {
        var options = new ConnectionOptions { GrpcUrl = _registry.GrpcUrl, PublicUrl = FakeRegistry.PublicUrl, Clock = _clock };
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var evidence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var keeper = new RotatingKeeper(options, _registry.AgentId, _key, enrolAgain: WaitForEvidenceAsync);
        await keeper.GetAsync();
        _registry.Standing = Refusal.EvidenceDue;
        var rotation = keeper.RotateAsync(_next);
        await asked.Task.WaitAsync(Patience);
        await keeper.DisposeAsync().AsTask().WaitAsync(Patience);
        evidence.SetResult();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rotation.WaitAsync(Patience));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => keeper.GetAsync().AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => keeper.RotateAsync(_next));
        await keeper.DisposeAsync();

        async Task WaitForEvidenceAsync(PrivateKey key, CancellationToken cancellationToken)
        {
            asked.TrySetResult();
            await evidence.Task.WaitAsync(cancellationToken);
            _registry.Standing = Refusal.None;
        }
    }
}
