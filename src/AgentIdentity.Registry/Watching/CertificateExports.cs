using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Makes containment certificates: docs/formats.md, "Containment certificate".</summary>
public sealed class CertificateExports
{
    private readonly RegistrySettings _settings;
    private readonly RegistryState _state;
    private readonly ILedgerStore _store;
    private readonly CheckpointPublisher _publisher;
    private readonly PublishedLog _log;
    private readonly Anchors? _anchors;
    private readonly Propagation _propagation;
    private readonly TimeProvider _clock;

    internal CertificateExports(RegistrySettings settings, RegistryState state, ILedgerStore store, CheckpointPublisher publisher, PublishedLog log, Anchors? anchors, Propagation propagation, TimeProvider clock) =>
        (_settings, _state, _store, _publisher, _log, _anchors, _propagation, _clock) = (settings, state, store, publisher, log, anchors, propagation, clock);

    /// <summary>All stops of an incident.</summary>
    public Task<Outcome<CertificateExport>> BeginAsync(string incident, CancellationToken cancellation) => BeginAsync(() => _propagation.Of(incident), cancellation);

    /// <summary>One stop; with the others of its incident, if it carries one: a certificate of a part could pass for the whole.</summary>
    public Task<Outcome<CertificateExport>> BeginAsync(LeafIndex stop, CancellationToken cancellation) =>
        BeginAsync(() => _state.Stops.Find(stop) is { Incident.Length: > 0 } record ? _propagation.Of(record.Incident) : _propagation.Of(stop), cancellation);

    private async Task<Outcome<CertificateExport>> BeginAsync(Func<Outcome<PropagationReport>> report, CancellationToken cancellation)
    {
        if (report() is { IsRefused: true } refused)
            return Refused.Because(refused.Refusal, refused.Detail);
        if (_publisher.IsHeld)
            return Refused.Because(Refusal.NotIntegrated, "The log's key signs nothing: its witnesses or the chain were not asked yet, or have what this ledger does not lead to.");
        // Everything that has been acknowledged until now is in the certificate, so it waits for the checkpoint over it: a second at most.
        await _publisher.WhenCoversAsync(new LeafIndex(_state.Position - 1), cancellation).ConfigureAwait(false);
        var tree = _log.Newest!;
        return new CertificateExport(_state, _store, _publisher.Signer, tree, _anchors?.Beside(tree), report().Value.Stops, new SignedDenials(_state, _store, _settings.Name), _clock);
    }
}
