using System.Diagnostics.Metrics;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Options;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Chain;

/// <summary>Anchoring as the server runs it: off unless it was asked for, beside everything else, and waited for by nobody.</summary>
internal sealed class ChainAnchoring : IAsyncDisposable
{
    // No proxy, no redirects: nobody whom the settings do not name.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
    private readonly IDisposable? _key;
    private readonly RegistryNode _registry;
    private readonly CancellationTokenSource _ending = new();
    private readonly AnchorLoop _loop;
    private readonly ChainOptions _options;
    private readonly TimeProvider _clock;
    private AnchorRunner? _runner;

    private ChainAnchoring(ChainOptions options, RegistryNode registry, ILedgerStore store, TimeProvider clock)
    {
        (_registry, _options, _clock) = (registry, options, clock);
        var signer = Signer(options);
        _key = signer as IDisposable;
        Account = signer.Address;
        Settings = AnchorSettings.Default(options.Id!.Value, options.Contract!) with { Interval = options.Interval, Limits = FeeLimits.Default with { MaxFeeWei = (UInt128)options.MaxFeeGwei * 1_000_000_000 } };
        IChain[] others = options.CheckUrl is { } check ? [new JsonRpcChain(_http, check)] : [];
        _loop = new AnchorLoop(new JsonRpcChain(_http, options.Url!), others, signer, new PublishedTree(registry), new StoreJournal(store), Settings, clock);
    }

    public AnchorSettings Settings { get; }

    public Address Account { get; }

    public AnchorStatus Status => _loop.Status;

    /// <summary>Makes ready to anchor; null when that was not asked for.</summary>
    /// <exception cref="OptionsRefusedException">The key cannot be used.</exception>
    public static ChainAnchoring? Open(ChainOptions options, RegistryNode registry, ILedgerStore store, TimeProvider clock)
    {
        if (options.Url is null)
            return null;
        try
        {
            return new ChainAnchoring(options, registry, store, clock);
        }
        catch (SigningException refused)
        {
            throw new OptionsRefusedException(refused.Message);
        }
    }

    /// <summary>Begins, and tells of each status.</summary>
    public void Start(Action<AnchorStatus> stepped, Action<string> say)
    {
        _runner = new AnchorRunner(_loop, _options.BlockTime, _clock, stepped, say);
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

    // Whoever asks waits for nothing of this.
    private void AnchorWhenCovered(LeafIndex entry) => _ = _registry.Checkpoints.WhenCoversAsync(entry, _ending.Token).ContinueWith(
        _ => _runner!.Demand(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    private ISigner Signer(ChainOptions options) => options.KeyFile is { } file ? KeyFileSigner.Open(file) : new RemoteSigner(_http, options.Signer!, options.Account!);
}
