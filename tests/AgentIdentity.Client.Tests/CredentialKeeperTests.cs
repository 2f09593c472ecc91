using System.Net.Sockets;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using Grpc.Core;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

public sealed class CredentialKeeperTests : IAsyncLifetime
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(600);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ManualTime _clock = new();
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private FakeRegistry _registry = null!;
    private RegistryConnection _connection = null!;

    public async Task InitializeAsync()
    {
        _registry = await FakeRegistry.StartAsync(_clock);
        _registry.AgentKey = _key.PublicKey;
        _connection = _registry.Connect(_key);
    }

    public async Task DisposeAsync()
    {
        _connection.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_credential_one_is_asked_for()
    {
        await using var keeper = new CredentialKeeper(_connection, null);
        var token = await keeper.GetAsync();
        Assert.Equal(await NextIssuedAsync(), token);
    }

    [Fact]
    public async Task What_is_held_names_itself_in_a_log_without_the_token_in_it()
    {
        var held = await HoldAsync();
        Assert.DoesNotContain(held.Token, $"{held with { Document = held.Token }}", StringComparison.Ordinal);
        Assert.Contains(held.Jti, held.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(held.Token, new HeldIdentity(_key, held.Token).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_credential_is_renewed_after_two_thirds_of_its_life_give_or_take_a_tenth()
    {
        var first = await HoldAsync();
        await using var keeper = new CredentialKeeper(_connection, first);
        for (var i = 0; i < 3; i++)
        {
            var before = await keeper.GetAsync();
            var due = await _clock.NextTimerAsync();
            Assert.InRange(due, Life * 0.599, Life * 0.734);
            _clock.Advance(due);
            var renewed = await NextIssuedAsync();
            // The keeper has taken it over when it has set the timer for the next one.
            await _clock.NextTimerAsync();
            Assert.Equal(renewed, await keeper.GetAsync());
            Assert.NotEqual(before, renewed);
        }
    }

    [Fact]
    public async Task Each_new_credential_is_handed_out_to_be_saved()
    {
        var saved = new TaskCompletionSource<HeldCredential>();
        await using var keeper = new CredentialKeeper(_connection, null, saved.SetResult);
        Assert.Equal(await keeper.GetAsync(), (await saved.Task.WaitAsync(Patience)).Token);
    }

    [Fact]
    public async Task An_expired_credential_is_not_given_out_but_renewed()
    {
        var first = await HoldAsync();
        _clock.Advance(Life);
        await using var keeper = new CredentialKeeper(_connection, first);
        Assert.NotEqual(first.Token, await keeper.GetAsync());
        Assert.Contains("Renew", _registry.Calls);
    }

    [Fact]
    public async Task A_credential_that_expired_while_the_machine_slept_is_renewed_when_it_is_wanted()
    {
        // Timers do not run while a machine sleeps: this clock's timers are those of another one, which stands still.
        var sleeper = new SleepyTime(_clock);
        using var connection = new RegistryConnection(_registry.Options() with { Clock = sleeper }, _key);
        var first = await HoldAsync();
        await using var keeper = new CredentialKeeper(connection, first);
        Assert.Equal(first.Token, await keeper.GetAsync());
        _clock.Advance(Life);
        Assert.NotEqual(first.Token, await keeper.GetAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_keeper_on_a_machine_whose_clock_is_years_behind_goes_on()
    {
        var first = await HoldAsync() with { ExpiresAt = _clock.GetUtcNow().AddYears(50) };
        await using var keeper = new CredentialKeeper(_connection, first);
        Assert.True(await _clock.NextTimerAsync().WaitAsync(Patience) < TimeSpan.FromMinutes(15));
        Assert.Equal(first.Token, await keeper.GetAsync());
    }

    [Fact]
    public async Task A_keeper_survives_a_restart_of_the_registry_and_never_gives_out_an_expired_credential()
    {
        await using var keeper = new CredentialKeeper(_connection, null);
        var before = await keeper.GetAsync();
        await NextIssuedAsync();
        await _registry.StopAsync();
        for (var waited = TimeSpan.Zero; waited < Life;)
        {
            var pause = await _clock.NextTimerAsync();
            Assert.True(pause >= TimeSpan.FromSeconds(0.9), $"An attempt came after {pause}.");
            _clock.Advance(pause);
            waited += pause;
        }
        var wanted = keeper.GetAsync().AsTask();
        Assert.False(wanted.IsCompleted);

        await _registry.StartAsync();
        _clock.Advance(await _clock.NextTimerAsync());
        var token = await wanted.WaitAsync(Patience);
        Assert.Equal(await NextIssuedAsync(), token);
        Assert.NotEqual(before, token);
    }

    [Fact]
    public async Task Attempts_come_ever_more_slowly_up_to_half_a_minute()
    {
        await _registry.StopAsync();
        await using var keeper = new CredentialKeeper(_connection, null);
        foreach (var expected in new[] { 1, 2, 4, 8, 16, 30, 30 })
        {
            var pause = await _clock.NextTimerAsync();
            Assert.InRange(pause.TotalSeconds, expected * 0.899, expected * 1.101);
            _clock.Advance(pause);
        }
    }

    [Fact]
    public async Task A_busy_registry_is_asked_again_when_it_said_so()
    {
        _registry.Trouble = _registry.Refuse(StatusCode.ResourceExhausted, Refusal.Overloaded, retryAfter: TimeSpan.FromSeconds(17));
        await using var keeper = new CredentialKeeper(_connection, null);
        var pause = await _clock.NextTimerAsync();
        Assert.Equal(TimeSpan.FromSeconds(17), pause);
        _registry.Trouble = null;
        _clock.Advance(pause);
        await keeper.GetAsync().AsTask().WaitAsync(Patience);
    }

    [Fact]
    public async Task When_the_session_is_over_evidence_is_brought_again_once_there_is_a_fresh_piece()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("agentidentity-").FullName, "token");
        await File.WriteAllTextAsync(file, "the.first.piece\n");
        var first = await EnrolAsync(CancellationToken.None);
        var renewed = new TaskCompletionSource<HeldCredential>();
        await using var keeper = new CredentialKeeper(_connection, first.Credential, renewed.SetResult, EnrolAsync);
        _registry.Standing = Refusal.EvidenceDue;
        _clock.Advance(await _clock.NextTimerAsync());
        // The piece that was used is still there; whoever keeps the file replaces it in its time.
        var pause = await _clock.NextTimerAsync();
        Assert.Equal(Refusal.EvidenceDue, _registry.Standing);
        await File.WriteAllTextAsync(file, "the.second.piece\n");
        _clock.Advance(pause);
        Assert.NotEqual(first.Credential.Token, (await renewed.Task.WaitAsync(Patience)).Token);
        Assert.Equal(["the.first.piece", "the.second.piece"], _registry.UsedEvidence.Order(StringComparer.Ordinal));

        Task<EnrolledAgent> EnrolAsync(CancellationToken cancellationToken) =>
            AgentEnrolment.EnrollAsync(_connection, FakeRegistry.Token, _key, evidence: Evidence.FromFile(file), cancellationToken: cancellationToken);
    }

    public static TheoryData<Exception> Outages => new(new HttpRequestException("The workload API starts again."), new IOException("No space left."), new UnauthorizedAccessException(), new TaskCanceledException("HttpClient's own timeout."),
        new SocketException((int)SocketError.ConnectionRefused), new TimeoutException("The workload API is slow."),
        // The registry was started again between its challenge and the proof; whoever signs the evidence has a clock that is ahead.
        Refused(Refusal.ChallengeInvalid), Refused(Refusal.EvidenceNotYetValid));

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task Evidence_that_cannot_be_had_for_a_moment_is_brought_at_the_next_attempt(Exception outage)
    {
        _registry.Standing = Refusal.EvidenceDue;
        var attempts = 0;
        await using var keeper = new CredentialKeeper(_connection, await ExpiredAsync(), enrolAgain: EnrolAsync);
        var wanted = keeper.GetAsync().AsTask();
        _clock.Advance(await _clock.NextTimerAsync());
        Assert.NotEmpty(await wanted.WaitAsync(Patience));

        Task EnrolAsync(CancellationToken cancellationToken)
        {
            if (++attempts == 1)
                throw outage;
            _registry.Standing = Refusal.None;
            return Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData(Refusal.RolledBack)]
    [InlineData(Refusal.NotBootstrapped)]
    public async Task A_keeper_outlasts_a_registry_that_refuses_everybody(Refusal refusal)
    {
        _registry.Standing = refusal;
        await using var keeper = new CredentialKeeper(_connection, await ExpiredAsync());
        var wanted = keeper.GetAsync().AsTask();
        var pause = await _clock.NextTimerAsync();
        _registry.Standing = Refusal.None;
        _clock.Advance(pause);
        Assert.NotEmpty(await wanted.WaitAsync(Patience));
    }

    [Fact]
    public async Task Who_waits_no_longer_is_told_which_file_the_keeper_looks_for()
    {
        _registry.Standing = Refusal.EvidenceDue;
        await using var keeper = new CredentialKeeper(_connection, await ExpiredAsync(), enrolAgain: _ => throw new FileNotFoundException("There is no /var/run/tokens/identtiy."));
        using var patience = new CancellationTokenSource();
        var wanted = keeper.GetAsync(patience.Token).AsTask();
        await _clock.NextTimerAsync();
        await patience.CancelAsync();
        var told = await Assert.ThrowsAsync<TaskCanceledException>(() => wanted);
        Assert.Contains("/var/run/tokens/identtiy", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_written_for_a_moment_does_not_end_a_keeper()
    {
        using var log = new SucceededLog(7);
        _registry.Log = _ => log.Answer(7);
        // A file stands where the folder is to be.
        var file = Path.GetTempFileName();
        using var connection = new RegistryConnection(_registry.Options() with { CheckpointFolder = Path.Combine(file, "logs") }, _key);
        await using var keeper = new CredentialKeeper(connection, null);
        var wanted = keeper.GetAsync().AsTask();
        var due = await _clock.NextTimerAsync();
        File.Delete(file);
        _clock.Advance(due);
        Assert.NotEmpty(await wanted.WaitAsync(Patience));
        Directory.Delete(file, recursive: true);
    }

    [Fact]
    public async Task A_credential_that_cannot_be_saved_is_held_all_the_same()
    {
        await using var keeper = new CredentialKeeper(_connection, null, renewed: _ => throw new IOException("No space left."));
        Assert.Equal(await NextIssuedAsync(), await keeper.GetAsync());
    }

    [Fact]
    public async Task A_keeper_without_evidence_stops_when_the_session_is_over()
    {
        await using var keeper = new CredentialKeeper(_connection, await HoldAsync());
        _registry.Standing = Refusal.EvidenceDue;
        _clock.Advance(await _clock.NextTimerAsync());
        Assert.Equal(Refusal.EvidenceDue, (await Assert.ThrowsAsync<RegistryRefusedException>(() => keeper.Completion.WaitAsync(Patience))).Refusal);
    }

    [Fact]
    public async Task A_keeper_of_a_frozen_agent_stops_and_says_why()
    {
        await using var keeper = new CredentialKeeper(_connection, await HoldAsync());
        _registry.Standing = Refusal.AgentFrozen;
        _clock.Advance(await _clock.NextTimerAsync());

        var refusal = await Assert.ThrowsAsync<RegistryRefusedException>(() => keeper.Completion.WaitAsync(Patience));
        Assert.Equal(Refusal.AgentFrozen, refusal.Refusal);
        var asked = await Assert.ThrowsAsync<RegistryRefusedException>(async () => await keeper.GetAsync());
        Assert.Equal("AGENT_FROZEN", asked.Reason);
    }

    [Fact]
    public async Task Whoever_waits_when_a_keeper_ends_is_told()
    {
        await _registry.StopAsync();
        var keeper = new CredentialKeeper(_connection, null);
        var wanted = keeper.GetAsync().AsTask();
        await _clock.NextTimerAsync();
        await keeper.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => wanted);
        Assert.True(keeper.Completion.IsCanceled);
    }

    private async Task<HeldCredential> HoldAsync()
    {
        var token = _registry.Issue();
        Assert.Equal(token, await NextIssuedAsync());
        return new HeldCredential(token, "jti", _clock.GetUtcNow(), _clock.GetUtcNow() + Life, 4, 0);
    }

    private async Task<HeldCredential> ExpiredAsync() => await HoldAsync() with { ExpiresAt = _clock.GetUtcNow() };

    private static RegistryRefusedException Refused(Refusal refusal) => RegistryRefusedException.From(RefusedCalls.Make(StatusCode.Unauthenticated, refusal.Name(), "No."))!;

    private Task<string> NextIssuedAsync() => _registry.Issued.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    private sealed class SleepyTime(TimeProvider awake) : TimeProvider
    {
        private readonly ManualTime _asleep = new();

        public override DateTimeOffset GetUtcNow() => awake.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            _asleep.CreateTimer(callback, state, dueTime, period);
    }
}
