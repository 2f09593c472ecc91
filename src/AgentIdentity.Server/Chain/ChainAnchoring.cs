using System.Diagnostics.Metrics;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Options;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Chain;

/// <summary>Anchoring as the server runs it: off unless it was asked for, beside everything else, and waited for by nobody.</summary>
internal sealed class ChainAnchoring : IAsyncDisposable
{
    // Half a dozen short questions; a node that takes longer holds up the start no more.
    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(10);

    // No proxy, no redirects: nobody whom the settings do not name.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
    private readonly IDisposable? _key;
    private readonly RegistryNode _registry;
    private readonly CancellationTokenSource _ending = new();
    private readonly AnchorLoop _loop;
    private readonly ChainOptions _options;
    private readonly TimeProvider _clock;
    private readonly string _origin;
    private readonly StoredContradiction _contradiction;
    private AnchorRunner? _runner;

    private ChainAnchoring(ChainOptions options, RegistryNode registry, ILedgerStore store, TimeProvider clock, Action<string> alarm)
    {
        (_registry, _options, _clock) = (registry, options, clock);
        var signer = Signer(options);
        _key = signer as IDisposable;
        Account = signer.Address;
        Settings = AnchorSettings.Default(options.Id!.Value, options.Contract!) with { Interval = options.Interval, Growth = options.Growth, Limits = FeeLimits.Default with { MaxFeeWei = (UInt128)options.MaxFeeGwei * 1_000_000_000 } };
        IChain[] others = options.CheckUrl is { } check ? [new JsonRpcChain(_http, check)] : [];
        var tree = new PublishedTree(registry);
        _origin = tree.Origin;
        _contradiction = new StoredContradiction(store, _origin, alarm);
        _loop = new AnchorLoop(new JsonRpcChain(_http, options.Url!), others, signer, tree, new StoreJournal(store), Settings, clock, _contradiction.Words);
    }

    public AnchorSettings Settings { get; }

    public Address Account { get; }

    public AnchorStatus Status => _loop.Status;

    /// <summary>Makes ready to anchor; null when that was not asked for.</summary>
    /// <exception cref="OptionsRefusedException">The key cannot be used.</exception>
    public static ChainAnchoring? Open(ChainOptions options, RegistryNode registry, ILedgerStore store, TimeProvider clock, Action<string> alarm) =>
        options.Url is null ? null : new ChainAnchoring(options, registry, store, clock, alarm);

    /// <summary>Before anything is signed: whether the chain has more of this log than there is here, or another one. A node that does not answer holds up nobody.</summary>
    public async Task LookAsync(Action<string> say)
    {
        using var patience = new CancellationTokenSource(LookPatience);
        try
        {
            await _loop.StepAsync(patience.Token);
        }
        catch (Exception)
        {
            // Too slow, or the status says what it is: the runner goes on.
        }
        if (!_loop.Status.IsCompared)
            say(_loop.Status.Contradiction is { } found
                ? $"The chain could not be asked what it has of this log. What was found before stands, and nothing is signed: {found}"
                : "The chain could not be asked what it has of this log: if this folder was put back to an older state, nobody has noticed yet.");
        Take(_loop.Status);
    }

    /// <summary>Begins, and tells of each status.</summary>
    public void Start(Action<AnchorStatus> stepped, Action<string> say)
    {
        _runner = new AnchorRunner(_loop, _options.BlockTime, _clock, new Action<AnchorStatus>(Take) + stepped, say);
        if (_options.AfterStop)
            _registry.StopRecorded += AnchorWhenCovered;
    }

    /// <summary>What monitoring sees.</summary>
    public void Measure(Meter meter)
    {
        meter.CreateObservableGauge("agentidentity_anchor_state", () => (long)Status.State, null, "How far the newest anchor is: 0 idle, 1 broadcast, 2 mined, 3 final, 4 held by the fee cap, 5 no funds, 6 node down, 7 needs an operator.");
        meter.CreateObservableGauge("agentidentity_anchor_healthy", () => Status.IsHealthy ? 1L : 0L, null, "Whether anchoring needs nobody.");
        meter.CreateObservableGauge("agentidentity_anchored_entries", () => (long)Status.Anchored.Value, null, "Entries under the newest anchor in a block.");
        meter.CreateObservableGauge("agentidentity_anchor_final_entries", () => (long)(Status.LastFinal?.Size.Value ?? 0), null, "Entries under the newest anchor that is final.");
        meter.CreateObservableGauge("agentidentity_anchor_attempts", () => Status.AttemptCount, null, "Transactions signed since the start.");
    }

    /// <summary>Anchors what the ledger holds now, as soon as a checkpoint covers it.</summary>
    public void Demand()
    {
        if (_registry.State.Position > 0)
            AnchorWhenCovered(new LeafIndex(_registry.State.Position - 1));
    }

    public async ValueTask DisposeAsync()
    {
        _registry.StopRecorded -= AnchorWhenCovered;
        await _ending.CancelAsync();
        if (_runner is not null)
            await _runner.DisposeAsync();
        _ending.Dispose();
        _key?.Dispose();
        _http.Dispose();
    }

    // What is final is for receipts and files; what contradicts the ledger keeps its key from signing.
    private void Take(AnchorStatus status)
    {
        _registry.Anchors!.Compare(status.Contradiction);
        _contradiction.Keep(status.Contradiction);
        if (status.LastFinal is { } final)
            _registry.Anchors.Take(new AnchorNote(
                _origin, Settings.ChainId, Hex(Settings.Contract), final.Size, final.Root, final.Transaction.Value, final.BlockNumber, final.BlockHash.Value, final.EventIndex));
    }

    private static string Hex(Address address) => "0x" + Convert.ToHexStringLower(address.ToBytes());

    // Whoever asks waits for nothing of this.
    private void AnchorWhenCovered(LeafIndex entry) => _ = _registry.Checkpoints.WhenCoversAsync(entry, _ending.Token).ContinueWith(
        _ => _runner!.Demand(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    private ISigner Signer(ChainOptions options) => options.KeyFile is null ? new RemoteSigner(_http, options.Signer!, options.Account!) : options.OpenKey();
}
