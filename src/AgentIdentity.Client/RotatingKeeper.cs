using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Client;

/// <summary>
/// Keeps an agent's key together with a fresh credential for it, and gives the agent another key while calls go on: the old pair serves until the new one is there. Safe for all threads.
/// </summary>
/// <remarks>Credentials of the old key live out their minutes at the tools, so that no call fails for a rotation; at the registry itself the old key ends at once.</remarks>
public sealed class RotatingKeeper : IAsyncDisposable
{
    private readonly ConnectionOptions _options;
    private readonly SubjectId _agent;
    private readonly Action<HeldCredential>? _renewed;
    private readonly Func<PrivateKey, CancellationToken, Task>? _enrolAgain;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _end = new();
    private volatile Pair _pair;

    // What a rotation waits for that is under way, or the last one.
    private volatile Task _rotation = Task.CompletedTask;

    /// <param name="options">Where the registry is.</param>
    /// <param name="agent">Whose keys.</param>
    /// <param name="key">The agent's key of now; stays the caller's to dispose of.</param>
    /// <param name="first">The credential to go on from; null asks for one.</param>
    /// <param name="renewed">Told of each new credential, to save it.</param>
    /// <param name="enrolAgain">Called with the key of then when the session is over: enrols with the same token and that key and fresh evidence. Null: the keeper stops then.</param>
    public RotatingKeeper(
        ConnectionOptions options, SubjectId agent, PrivateKey key, HeldCredential? first = null, Action<HeldCredential>? renewed = null, Func<PrivateKey, CancellationToken, Task>? enrolAgain = null)
    {
        (_options, _agent, _renewed, _enrolAgain) = (options, agent, renewed, enrolAgain);
        _pair = NewPair(key, first);
    }

    /// <summary>The agent's key, and a credential for it that has not expired.</summary>
    /// <exception cref="RegistryRefusedException">The registry has refused for good.</exception>
    public async ValueTask<HeldIdentity> GetAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var pair = _pair;
            try
            {
                return new HeldIdentity(pair.Key, await pair.Keeper.GetAsync(cancellationToken).ConfigureAwait(false));
            }
            catch (RegistryRefusedException refusal) when (refusal.Refusal == Refusal.KeyRotated && (_pair != pair || !_rotation.IsCompleted))
            {
                // The old credential had to be renewed just when the key was rotated.
                await _rotation.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (ObjectDisposedException) when (_pair != pair)
            {
                // Another key has taken its place.
            }
        }
    }

    /// <summary>Gives the agent another key, and answers when there is a credential for it that grants what the last one did. After a failure the old key goes on, unless the registry has rotated it all the same: then the same again helps.</summary>
    /// <param name="next">The new key, on disk already; stays the caller's to dispose of.</param>
    /// <param name="cancellationToken">Ends the wait, as the end of this keeper does; the key may be rotated nevertheless.</param>
    /// <exception cref="ObjectDisposedException">The keeper has been disposed of.</exception>
    public async Task RotateAsync(PrivateKey next, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_end.IsCancellationRequested, this);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, cancellationToken);
        await RotateInTurnAsync(next, ending.Token).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        // A rotation that is under way ends first: whatever pair it has made is the one that ends here.
        await _turn.WaitAsync().ConfigureAwait(false);
        await _pair.DisposeAsync().ConfigureAwait(false);
        _turn.Release();
    }

    private async Task RotateInTurnAsync(PrivateKey next, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _rotation = done.Task;
            var old = _pair;
            await AgentKeyRotation.RotateAsync(old.Connection, _agent, old.Key, next, cancellationToken).ConfigureAwait(false);
            _pair = await ReadyAsync(next, old.Keeper.Last, cancellationToken).ConfigureAwait(false);
            await old.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            done.SetResult();
            _turn.Release();
        }
    }

    // The new key renews the old key's credential, which binds it to the same certificate, audience and envelope; to the new key it is one that has ended.
    private async Task<Pair> ReadyAsync(PrivateKey key, HeldCredential? last, CancellationToken cancellationToken)
    {
        var pair = NewPair(key, last is null ? null : last with { ExpiresAt = DateTimeOffset.UnixEpoch });
        try
        {
            await pair.Keeper.GetAsync(cancellationToken).ConfigureAwait(false);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private Pair NewPair(PrivateKey key, HeldCredential? first)
    {
        var connection = new RegistryConnection(_options, key);
        return new Pair(key, connection, new CredentialKeeper(connection, first, _renewed, _enrolAgain is null ? null : ended => _enrolAgain(key, ended)));
    }

    private sealed record Pair(PrivateKey Key, RegistryConnection Connection, CredentialKeeper Keeper) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Keeper.DisposeAsync().ConfigureAwait(false);
            Connection.Dispose();
        }
    }
}
