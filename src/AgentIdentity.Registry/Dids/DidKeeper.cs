using System.Threading.Channels;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Dids;

/// <summary>Lets DID logs follow what has happened: a revoked agent's ends, and the registry's names a new key and none that is stopped, or commits to another. Nobody waits for it: what was denied is denied already.</summary>
/// <remarks>It works through everything that is revoked at its start, and through each revocation and rotation as it comes; both are the same work, and what is done is not done again.</remarks>
public sealed class DidKeeper : IAsyncDisposable
{
    // What is full or busy now is tried again; the log is then late, and what it says of the agent is not asked by anybody who decides.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly RegistryState _state;
    private readonly DidLogs _logs;
    private readonly TimeProvider _clock;
    private readonly Action<string> _log;
    private readonly Channel<LeafIndex?> _changes = Channel.CreateUnbounded<LeafIndex?>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _ended = new();
    private Task _work = Task.CompletedTask;

    internal DidKeeper(RegistryState state, DidLogs logs, TimeProvider clock, Action<string> log) => (_state, _logs, _clock, _log) = (state, logs, clock, log);

    /// <summary>Begins, with what came before it was handed anything.</summary>
    public void Start()
    {
        foreach (var stop in _state.Stops.All.Where(IsFinal))
            _changes.Writer.TryWrite(stop.Denial.Index);
        _changes.Writer.TryWrite(null);
        _work = Task.Run(WorkAsync);
    }

    /// <summary>Called by the writer for each entry.</summary>
    public void Hand(LeafIndex index, Entry entry)
    {
        if (entry.Body is Stop { State: StandingState.Revoked, Scope.Kind: not ScopeKind.Key })
            _changes.Writer.TryWrite(index);
        if (entry.Body is RegistryKeyRotated { Use: RegistryKeyUse.Credentials or RegistryKeyUse.Did or RegistryKeyUse.Integrity } or Stop { Scope.Kind: ScopeKind.IssuerKey } or Restored)
            _changes.Writer.TryWrite(null);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
        _ended.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (var change in _changes.Reader.ReadAllAsync(_ended.Token).ConfigureAwait(false))
                await FollowAsync(change).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // What is left is found at the next start.
        }
    }

    private Task FollowAsync(LeafIndex? change) => change is { } stop ? EndAsync(_state.Stops.Find(stop)!) : UntilDoneAsync(_logs.RenewAsync);

    private async Task EndAsync(StopRecord stop)
    {
        foreach (var agent in _state.Reach.Agents(stop.Denial.Scope).Where(agent => agent is { DidIndex: not null, IsDidEnded: false }).ToArray())
            await UntilDoneAsync(() => _logs.DeactivateAsync(_state.FindAgent(agent.Id)!)).ConfigureAwait(false);
    }

    private async Task UntilDoneAsync(Func<Task<Outcome<LeafIndex>>> change)
    {
        try
        {
            while (await change().ConfigureAwait(false) is { Refusal: Refusal.StorageFull or Refusal.Overloaded })
                await Task.Delay(Pause, _clock, _ended.Token).ConfigureAwait(false);
        }
        catch (LedgerDamagedException damaged)
        {
            // One log that is none does not end the others.
            _log($"A DID log is not kept any more: {damaged.Message}");
        }
    }

    /// <summary>Whether it ends the DIDs of whom it covers. The agent of a revoked key may be given another one.</summary>
    internal static bool IsFinal(StopRecord stop) => stop is { IsInForce: true, Denial: { State: StandingState.Revoked, After: null, Scope.Kind: not ScopeKind.Key } };
}
