using System.Net.Sockets;
using System.Security.Cryptography;
using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using Grpc.Core;

namespace AgentIdentity.Client;

/// <summary>
/// Keeps a fresh credential for as long as it is not disposed of: renews each after about two thirds of its life, tries again while the registry is away
/// or busy or refuses everybody, or files and evidence cannot be had, and stops when the registry refuses for good. Safe for all threads.
/// </summary>
public sealed class CredentialKeeper : IAsyncDisposable
{
    /// <summary>A credential with less than this left is not given out: it would expire on its way.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private const double RenewAfter = 2.0 / 3;
    private const double Jitter = 0.1;

    // Between two attempts at least, so that clocks that disagree cannot make the keeper spin; and at most, so that it is there soon after the registry.
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);

    // No credential lives longer. What a clock that is behind shows beyond it is not waited for: the credential ends before, and no timer takes years.
    private static readonly TimeSpan LifeMax = TimeSpan.FromMinutes(15);

    private readonly RegistryConnection _connection;
    private readonly Action<HeldCredential>? _renewed;
    private readonly Func<CancellationToken, Task>? _enrolAgain;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _work;

    // Replaced as a whole, by the worker alone; readers take one and go on with it.
    private volatile Holding _holding;
    private volatile Exception? _trouble;

    /// <summary>Starts keeping.</summary>
    /// <param name="connection">Signs with the agent's key, without a credential beside it. Stays the caller's.</param>
    /// <param name="first">The credential to go on from, which may have expired. Null asks for one with all that the agent may have.</param>
    /// <param name="renewed">Told of each new credential, to save it. When the disk fails it, the credential is held all the same, and the next one is told of.</param>
    /// <param name="enrolAgain">Called when the session is over: enrols with the same token and key and fresh evidence, so that the keeper can go on. Called again while files or the network fail it. Null: the keeper stops then.</param>
    public CredentialKeeper(RegistryConnection connection, HeldCredential? first, Action<HeldCredential>? renewed = null, Func<CancellationToken, Task>? enrolAgain = null)
    {
        _enrolAgain = enrolAgain;
        _connection = connection;
        _renewed = renewed;
        _clock = connection.Clock;
        _holding = new Holding(first);
        _work = Task.Run(WorkAsync);
    }

    /// <summary>
    /// Fails when the keeper stops by itself, with the reason: a <see cref="RegistryRefusedException"/> when the registry refused for good, for example
    /// because the agent is frozen. Cancelled when the keeper is disposed of.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>The last credential that there was, which may have expired.</summary>
    internal HeldCredential? Last => _holding.Credential;

    /// <summary>A credential that has not expired; waits for one if need be.</summary>
    /// <exception cref="RegistryRefusedException">The registry has refused for good. What was held is not given out any more.</exception>
    /// <exception cref="ObjectDisposedException">The keeper has been disposed of.</exception>
    /// <exception cref="OperationCanceledException">It was waited for no longer. What the last attempt failed with is inside: a file that is not there is tried for ever.</exception>
    public async ValueTask<string> GetAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var holding = _holding;
            ObjectDisposedException.ThrowIf(_end.IsCancellationRequested, this);
            if (_completion.Task.IsCompleted)
                await _completion.Task.ConfigureAwait(false);
            if (IsGood(holding.Credential))
                return holding.Credential!.Token;
            holding.Wanted.TrySetResult();
            await WaitAsync(holding, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
            return;
        await _end.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task WaitAsync(Holding holding, CancellationToken cancellationToken)
    {
        try
        {
            await holding.Over.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_trouble is { } trouble)
        {
            throw new TaskCanceledException($"No credential could be had yet: {trouble.Message}", trouble, cancellationToken);
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            await KeepAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            _completion.TrySetCanceled(_end.Token);
        }
        catch (Exception reason)
        {
            // Whoever asks for a credential gets the reason, be it a refusal or a fault of the callback.
            _completion.TrySetException(reason);
        }
        _holding.Over.TrySetResult();
    }

    private async Task KeepAsync()
    {
        if (IsGood(_holding.Credential))
            await WaitUntilDueAsync(_holding, canBeWanted: true).ConfigureAwait(false);
        while (true)
        {
            var fresh = await ObtainAsync().ConfigureAwait(false);
            _trouble = null;
            Tell(fresh);
            var before = _holding;
            _holding = new Holding(fresh);
            before.Over.TrySetResult();
            // A new credential that looks expired means that the clocks disagree, and hurrying would not help.
            await WaitUntilDueAsync(_holding, canBeWanted: IsGood(fresh)).ConfigureAwait(false);
        }
    }

    private void Tell(HeldCredential fresh)
    {
        try
        {
            _renewed?.Invoke(fresh);
        }
        catch (Exception failure) when (IsOutage(failure))
        {
            // An agent that goes on needs the credential, and only one that is started again needs it saved.
        }
    }

    /// <summary>Waits for two thirds of what is left, or until somebody finds it expired: timers do not count the time that a machine sleeps.</summary>
    private async Task WaitUntilDueAsync(Holding holding, bool canBeWanted)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        var left = Shorter(holding.Credential!.ExpiresAt - _clock.GetUtcNow(), LifeMax);
        var due = Task.Delay(Longer(PauseMin, left * RenewAfter * Scatter()), _clock, wait.Token);
        await (canBeWanted ? Task.WhenAny(due, holding.Wanted.Task) : due).ConfigureAwait(false);
        await wait.CancelAsync().ConfigureAwait(false);
        _end.Token.ThrowIfCancellationRequested();
    }

    private async Task<HeldCredential> ObtainAsync()
    {
        for (var pause = PauseMin; ; pause = Shorter(2 * pause, PauseMax))
        {
            var asked = TimeSpan.Zero;
            try
            {
                return await AskAsync().ConfigureAwait(false);
            }
            catch (RegistryRefusedException refusal) when (refusal.IsTransient || IsPassing(refusal))
            {
                (asked, _trouble) = (refusal.RetryAfter ?? TimeSpan.Zero, refusal);
            }
            catch (Exception failure) when (IsOutage(failure))
            {
                // No word of the registry's: it may be otherwise at the next attempt.
                _trouble = failure;
            }
            await Task.Delay(Longer(asked, pause * Scatter()), _clock, _end.Token).ConfigureAwait(false);
        }
    }

    // The registry is away, or what stands before it has nothing behind it; or a disk is full, or whoever gives evidence starts again. HttpClient's own timeout is a cancellation that nobody asked for.
    private bool IsOutage(Exception failure) =>
        failure is RpcException or HttpRequestException or SocketException or TimeoutException or IOException or UnauthorizedAccessException || (failure is OperationCanceledException && !_end.IsCancellationRequested);

    private bool IsPassing(RegistryRefusedException refusal) => refusal.Refusal switch
    {
        // Everybody is refused until the registry's operators have put that right, and this agent is as good then as it was.
        Refusal.RolledBack or Refusal.NotBootstrapped => true,
        // Whoever keeps the evidence fresh has not yet replaced the piece that was used, or has a clock that is ahead; or the registry was started again behind its challenge.
        Refusal.EvidenceUsed or Refusal.EvidenceExpired or Refusal.EvidenceDue or Refusal.EvidenceNotYetValid or Refusal.ChallengeInvalid => _enrolAgain is not null,
        _ => false,
    };

    private async Task<HeldCredential> AskAsync()
    {
        try
        {
            return await RenewAsync().ConfigureAwait(false);
        }
        catch (RegistryRefusedException refusal) when (refusal.Refusal == Refusal.EvidenceDue && _enrolAgain is not null)
        {
            await _enrolAgain(_end.Token).ConfigureAwait(false);
            // What enrolling answers has all that the agent may have; what was held may have been narrower.
            return await RenewAsync().ConfigureAwait(false);
        }
    }

    private async Task<HeldCredential> RenewAsync()
    {
        if (_holding.Credential is { } held)
        {
            var renewed = await _connection.Credentials.RenewAsync(new RenewRequest { Credential = held.Token }, cancellationToken: _end.Token).ConfigureAwait(false);
            return HeldCredential.From(renewed.Credential);
        }
        var issued = await _connection.Credentials.IssueAsync(new IssueRequest(), cancellationToken: _end.Token).ConfigureAwait(false);
        return HeldCredential.From(issued.Credential);
    }

    private bool IsGood(HeldCredential? credential) => credential is not null && _clock.GetUtcNow() < credential.ExpiresAt - Margin;

    // Agents that started together should not come back together.
    private static double Scatter() => 1 + (Jitter * ((RandomNumberGenerator.GetInt32(2001) / 1000.0) - 1));

    private static TimeSpan Longer(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;

    /// <summary>What is held until the next: whether somebody finds it expired, and whether it is over.</summary>
    private sealed record Holding(HeldCredential? Credential)
    {
        public TaskCompletionSource Wanted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
