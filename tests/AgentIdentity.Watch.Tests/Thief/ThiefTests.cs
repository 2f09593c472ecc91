using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Watch.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.Thief;

/// <summary>
/// The data folder and every key of the registry are in somebody else's hands, who serves at the registry's address. An enforcer that has watched the true one refuses whom it refused,
/// and says by name what it is told.
/// </summary>
public sealed class ThiefTests : IAsyncLifetime
{
    private WatchedRegistry _registry = null!;
    private WatchingTool _tool = null!;
    private WatchedAgent _stopped = null!;
    private WatchedAgent _other = null!;
    private StopResponse _stop = null!;

    public async Task InitializeAsync()
    {
        _registry = await WatchedRegistry.StartAsync();
        (_stopped, _other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        _tool = await NewToolAsync("gateway");
    }

    public async Task DisposeAsync()
    {
        await _tool.DisposeAsync();
        await _registry.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_restore_that_he_writes_is_refused_whoever_of_the_operators_he_has_won(int signatures)
    {
        await using var thief = await StealAsync();
        await thief.ServeAtAsync(_registry.GrpcPort);
        await thief.WhenWatchedByAsync(_tool.Key);
        await thief.RestoreAsync(_stop.LedgerIndex, ApprovalsOfOne(signatures));
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.RestoreForged);
        Assert.Equal(Refusal.AgentFrozen, _tool.Answer(_stopped));

        await _tool.RestartAsync();
        await _tool.WhenReadyAsync();
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (_tool.Answer(_stopped), _tool.Answer(_other)));
    }

    [Fact]
    public async Task A_restore_that_he_wrote_before_anybody_watched_is_refused_and_the_lease_runs_out()
    {
        await using var thief = await StealAsync();
        await thief.RestoreAsync(_stop.LedgerIndex, ApprovalsOfOne(2));
        await thief.ServeAtAsync(_registry.GrpcPort);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.RestoreForged);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.DenyStateShrunk);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task A_deny_state_that_has_shrunk_is_refused_and_the_lease_runs_out()
    {
        await using var thief = await StealAsync();
        thief.Lie = (_, message) => thief.Hide(_stop.LedgerIndex, message);
        await thief.PassEpochAsync();
        await thief.ServeAtAsync(_registry.GrpcPort);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.DenyStateShrunk);
        await AssertNobodyIsLetInAsync();

        await _tool.RestartAsync();
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.DenyStateShrunk, times: 2);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task Another_deny_state_for_an_epoch_that_was_signed_before_is_refused()
    {
        await using var thief = await StealAsync();
        thief.Lie = (_, message) => thief.Hide(_stop.LedgerIndex, message);
        await thief.ServeAtAsync(_registry.GrpcPort);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.DenyStateForked);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task An_enforcer_that_alone_is_not_told_of_a_stop_finds_out_when_it_is_told_what_the_others_are()
    {
        await using var others = await NewToolAsync("others");
        await using var thief = await StealAsync();
        var alone = _tool.Key.PublicKey.KeyId;
        var hidden = thief.Registry.State.Position;
        thief.Lie = (enforcer, message) => enforcer == alone ? thief.Hide(hidden, message) : message;
        await thief.ServeAtAsync(_registry.GrpcPort);
        await thief.WhenWatchedByAsync(_tool.Key, others.Key);
        await thief.StopAsync(_other.Enrolled.AgentId);
        await others.WhenAnswersAsync(Refusal.AgentFrozen, _other);
        await _tool.WhenReachedAsync(_stop.Epoch + 1);
        Assert.Equal(Refusal.None, _tool.Answer(_other));

        thief.Lie = static (_, message) => message;
        await _tool.RestartAsync();
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.DenyStateForked);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task A_registry_that_was_put_back_is_refused()
    {
        var old = await CopyOldAsync();
        await StopAsync();
        await _registry.KillAsync();
        await _registry.StartAgainAsync(old);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.RegistryRolledBack);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task A_registry_that_was_put_back_and_asks_for_nothing_that_it_signed_has_an_epoch_that_went_back()
    {
        await using var thief = await StealAsync(await CopyOldAsync());
        thief.IsDeaf = true;
        // As large as what the enforcer may have seen.
        await thief.FillAsync();
        await thief.ServeAtAsync(_registry.GrpcPort);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.EpochWentBack);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task A_registry_that_was_put_back_and_has_gone_on_from_there_has_lost_a_denial_and_its_log_does_not_go_on()
    {
        await using var thief = await StealAsync(await CopyOldAsync());
        thief.IsDeaf = true;
        // Beyond the entry of the stop, which would be another one now.
        await thief.FillAsync();
        for (var i = 0; i < 4; i++)
            await thief.PassEpochAsync();
        await thief.ServeAtAsync(_registry.GrpcPort);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.RegistryRolledBack);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.DenyStateShrunk);
        await AssertNobodyIsLetInAsync();
    }

    [Fact]
    public async Task Credentials_that_he_signs_are_refused_and_reported_however_much_of_them_the_ledger_holds()
    {
        await StopAsync();
        await _registry.KillAsync();
        await using var thief = Thief.With(Thief.Copy(_registry.Folder));
        await _registry.StartAgainAsync();
        Func<CredentialClaims, CredentialClaims>[] forgeries =
        [
            claims => claims with { Jti = SubjectId.New(TimeProvider.System.GetUtcNow()) },
            claims => claims with { Sponsor = "nobody in particular" },
            claims => claims with { Blueprint = "bot/2" },
            claims => claims with { Labels = [] },
            claims => claims with { LedgerIndex = claims.LedgerIndex - 1 },
            claims => claims with { ExpiresAt = claims.ExpiresAt + 3600 },
        ];
        foreach (var forge in forgeries)
        {
            var agent = await _registry.EnrolAsync();
            var forged = thief.SignAgain(agent.Credential, forge);
            await _tool.WhenAnswersAsync(Refusal.None, forged, agent.Key);
            await _tool.WhenAnswersAsync(Refusal.CredentialUnlogged, forged, agent.Key);
        }
        // It is refused before that is told, here and on the record.
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.CredentialUnlogged, forgeries.Length);
        await _registry.WhenAsync(_stop.LedgerIndex, report => report.Enforcers.Single().Unlogged == (ulong)forgeries.Length, "all were on the record");
        Assert.Equal(forgeries.Length, _tool.Alarms.Count(alarm => alarm == EnforcerAlarmKind.CredentialUnlogged));
        await _tool.WhenAnswersAsync(Refusal.None, _other);
    }

    private Task<WatchingTool> NewToolAsync(string name) => WatchingTool.StartAsync(_registry, options => options with { Lease = TimeSpan.FromSeconds(6) }, name);

    private async Task StopAsync()
    {
        _stop = await _registry.StopAsync(_stopped);
        await _registry.WhenAsync(_stop.LedgerIndex, StopLevel.Enforced);
    }

    private async Task<string> CopyOldAsync()
    {
        await _registry.KillAsync();
        var old = Thief.Copy(_registry.Folder);
        await _registry.StartAgainAsync();
        return old;
    }

    // The true registry has stopped somebody, and ends: the thief has its address.
    private async Task<Thief> StealAsync(string? stolen = null)
    {
        await StopAsync();
        await _registry.KillAsync();
        return Thief.With(stolen ?? Thief.Copy(_registry.Folder));
    }

    // All by one operator: neither a second key of his nor his own once more makes two people.
    private string[] ApprovalsOfOne(int signatures)
    {
        var action = ApprovedAction.Restore([new LeafIndex(_stop.LedgerIndex)], Thief.Reason);
        return [.. Enumerable.Range(0, signatures).Select(_ => Approval.Create(_registry.Operators[1], WatchedRegistry.PublicUrl, action, "any nonce", TimeProvider.System.GetUtcNow()))];
    }

    private async Task AssertNobodyIsLetInAsync()
    {
        Assert.NotEqual(Refusal.None, _tool.Answer(_stopped));
        await _tool.WhenAnswersAsync(Refusal.LeaseOver, _other);
        Assert.NotEqual(Refusal.None, _tool.Answer(_stopped));
    }
}
