using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Watching;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>For responders, and for sponsors, who stop their own agents.</summary>
internal sealed class ControlService(RegistryNode registry, IHostApplicationLifetime lifetime) : Wire.Control.ControlBase
{
    private const int NamedMax = 1000;

    // Each is computed anew four times a second, over all stops that it is about and all enforcers, and waits for no slot then.
    private const int WatchesPerSponsorMax = 8;

    private readonly WatchPlaces _sponsorWatches = new(WatchesPerSponsorMax);

    public override async Task<Wire.StopResponse> Stop(Wire.StopRequest request, ServerCallContext context)
    {
        var caller = CallState.Of(context).Caller!;
        var wish = new StopWish(registry.Scope(request.Scope, caller), State(request.State), request.Reason, request.Incident, request.Force, FromWire.Texts(request.Approvals));
        return ToWire((await registry.Stopping.StopAsync(caller, wish)).OrRefuse());
    }

    public override async Task<Wire.StopResponse> Obey(Wire.ObeyRequest request, ServerCallContext context) => ToWire((await registry.Stopping.ObeyAsync(request.Order)).OrRefuse());

    public override async Task<Wire.ReplaceKeyResponse> ReplaceKey(Wire.ReplaceKeyRequest request, ServerCallContext context)
    {
        var made = (await registry.KeyReplacement.OrderAsync(CallState.Of(context).Caller!, registry.Agent(request.Agent), request.Reason, request.Incident, request.HasAfter ? new LeafIndex(request.After) : null)).OrRefuse();
        var answer = new Wire.ReplaceKeyResponse { Token = made.Token, ExpiresAt = made.ExpiresAt, LedgerIndex = made.Index.Value, At = registry.At() };
        if (made.Stop is { } stop)
            answer.StopIndex = stop.Index.Value;
        if (made.Cut is { } cut)
            answer.CutIndex = cut.Index.Value;
        return answer;
    }

    private Wire.StopResponse ToWire(Stopped stopped) => new()
        {
            Level = Wire.StopLevel.Recorded,
            LedgerIndex = stopped.Index.Value,
            State = Grpc.ToWire.State(stopped.State),
            StoppedAt = stopped.At,
            Epoch = stopped.Epoch,
            AgentsReached = (ulong)stopped.Reached,
            CredentialsReached = (ulong)stopped.Credentials,
            IndexPending = stopped.IsIndexPending,
            AgentsConcerned = (ulong)stopped.Concern.Agents,
            LiveCredentials = (ulong)stopped.LiveCredentials,
            MatchesNobody = stopped.Concern.IsNobody,
            SingleOperator = registry.Approvals.IsSingleOperator,
            At = registry.At(),
        };

    public override async Task<Wire.PreviewStopResponse> PreviewStop(Wire.PreviewStopRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var scope = registry.Scope(request.Scope, call.Caller);
        var reach = registry.Stopping.Preview(scope, call.Caller).OrRefuse();
        await registry.PutOnRecordAsync(call, scope.ToString(), reach.Agents);
        return new Wire.PreviewStopResponse
        {
            AgentsReached = (ulong)reach.Agents,
            CredentialsReached = (ulong)reach.DelegatedCredentials,
            LiveCredentials = (ulong)reach.LiveCredentials,
            AgentsWithoutModel = (ulong)reach.WithoutModel,
            AgentsConcerned = (ulong)reach.Concern.Agents,
            MatchesNobody = reach.Concern.IsNobody,
            Agents = { reach.Named.Take(NamedMax).Select(registry.Settings.Name.AgentDid) },
            At = registry.At(),
        };
    }

    public override async Task<Wire.RestoreResponse> Restore(Wire.RestoreRequest request, ServerCallContext context)
    {
        var stops = request.Stops.Select(index => new LeafIndex(index)).ToArray();
        var restored = (await registry.Stopping.RestoreAsync(CallState.Of(context).Caller!, stops, request.Reason, FromWire.Texts(request.Approvals))).OrRefuse();
        return new Wire.RestoreResponse
        {
            LedgerIndex = restored.Index.Value,
            RestoredAt = restored.At,
            Epoch = restored.Epoch,
            SingleOperator = registry.Approvals.IsSingleOperator,
            At = registry.At(),
        };
    }

    public override async Task<Wire.CutResponse> Cut(Wire.CutRequest request, ServerCallContext context)
    {
        var cut = (await registry.Stopping.CutAsync(
            CallState.Of(context).Caller!, registry.Scope(request.Scope), new LeafIndex(request.After), request.Reason, request.Incident, FromWire.Texts(request.Approvals))).OrRefuse();
        return new Wire.CutResponse { LedgerIndex = cut.Index.Value, CutAt = cut.At, Epoch = cut.Epoch, IndexPending = cut.IsIndexPending, At = registry.At() };
    }

    public override async Task<Wire.PropagationResponse> Propagation(Wire.PropagationRequest request, ServerCallContext context)
    {
        var caller = CallState.Of(context).Caller!;
        var report = Report(request, caller);
        await PutOnRecordAsync(request, report.Stops.Count, context);
        return registry.Propagation(report).NarrowedFor(caller);
    }

    public override async Task WatchPropagation(Wire.PropagationRequest request, IServerStreamWriter<Wire.PropagationResponse> responseStream, ServerCallContext context)
    {
        var caller = CallState.Of(context).Caller!;
        using var place = caller.Role == CallerRole.Sponsor ? _sponsorWatches.Take(caller) : null;
        var first = Report(request, caller);
        // One look, however many reports follow.
        await PutOnRecordAsync(request, first.Stops.Count, context);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        Wire.PropagationResponse? sent = null;
        try
        {
            await foreach (var report in registry.Propagation.FollowAsync(first, ending.Token))
            {
                // As if it had asked anew: a key that is stopped meanwhile is told nothing more.
                if (registry.Standing.OfCaller(caller.Key.KeyId) is { } unserved)
                    throw new CallRefusedException(unserved.Refusal, unserved.Detail);
                var next = registry.Propagation(report).NarrowedFor(caller);
                if (sent is not null && next.IsSameAs(sent))
                    continue;
                await responseStream.WriteAsync(sent = next, context.CancellationToken);
            }
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            // The server ends, and says so by ending the stream well.
        }
    }

    public override async Task ExportCertificate(Wire.PropagationRequest request, IServerStreamWriter<Wire.ExportCertificateResponse> responseStream, ServerCallContext context)
    {
        var export = (await Begin(request, context.CancellationToken)).OrRefuse();
        await PutOnRecordAsync(request, export.Stops, context);
        foreach (var piece in FilePieces.Of(export.Items()))
            await responseStream.WriteAsync(new Wire.ExportCertificateResponse { Piece = piece }, context.CancellationToken);
    }

    private Task<Outcome<CertificateExport>> Begin(Wire.PropagationRequest request, CancellationToken cancellation) => request.OfCase switch
    {
        Wire.PropagationRequest.OfOneofCase.Stop => registry.CertificateExports.BeginAsync(new LeafIndex(request.Stop), cancellation),
        Wire.PropagationRequest.OfOneofCase.Incident => registry.CertificateExports.BeginAsync(request.Incident, cancellation),
        _ => throw Unnamed(),
    };

    private Task PutOnRecordAsync(Wire.PropagationRequest request, int stops, ServerCallContext context) =>
        registry.PutOnRecordAsync(CallState.Of(context), request.OfCase == Wire.PropagationRequest.OfOneofCase.Stop ? $"stop={request.Stop}" : $"incident={request.Incident}", stops);

    private static CallRefusedException Unnamed() => CallRefusedException.Malformed("Name a stop by its entry, or an incident.");

    private PropagationReport Report(Wire.PropagationRequest request, CallerRecord caller) => request.OfCase switch
    {
        Wire.PropagationRequest.OfOneofCase.Stop => registry.Propagation.Of(new LeafIndex(request.Stop), caller).OrRefuse(),
        Wire.PropagationRequest.OfOneofCase.Incident => registry.Propagation.Of(request.Incident, caller).OrRefuse(),
        _ => throw Unnamed(),
    };

    public override async Task<Wire.ListStopsResponse> ListStops(Wire.ListStopsRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var stops = registry.State.Stops.All
            .Where(call.Caller!.Sees)
            .Where(stop => (request.WithLifted || stop.IsInForce) && (request.Incident.Length == 0 || stop.Incident == request.Incident))
            .OrderBy(stop => stop.Denial.Index.Value)
            .Select(stop => Grpc.ToWire.Stop(registry, stop)).ToArray();
        await registry.PutOnRecordAsync(call, $"incident={request.Incident}", stops.Length);
        return new Wire.ListStopsResponse { Stops = { stops }, SingleOperator = registry.Approvals.IsSingleOperator, At = registry.At() };
    }

    internal static StandingState State(Wire.AgentState state) => state switch
    {
        Wire.AgentState.Restricted => StandingState.Restricted,
        Wire.AgentState.Frozen => StandingState.Frozen,
        Wire.AgentState.Revoked => StandingState.Revoked,
        _ => throw new CallRefusedException(Refusal.StopStateUnsupported, "A stop is RESTRICTED, FROZEN or REVOKED."),
    };
}
