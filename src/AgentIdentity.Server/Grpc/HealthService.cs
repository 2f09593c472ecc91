using System.Threading.Channels;
using AgentIdentity.Anchoring.Ethereum;
using Grpc.Core;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace AgentIdentity.Server.Grpc;

/// <summary>The standard health service. Statuses are set by name, from any thread; the empty name is the server as a whole.</summary>
internal sealed class HealthService : Health.HealthBase
{
    public const string Anchoring = "anchoring";

    /// <summary>A client of gRPC's own health checking holds one for each connection, and everybody behind a proxy has its address; each costs some kilobytes.</summary>
    public const int WatchesPerAddressMax = 256;

    private readonly WatchPlaces places = new(WatchesPerAddressMax);
    private readonly Lock gate = new();

    // Guarded by the gate.
    private readonly Dictionary<string, ServingStatus> statuses = [];
    private readonly HashSet<Watcher> watchers = [];
    private bool stopped;

    /// <summary>Sets a status and tells it to those who watch it. After <see cref="StopServing"/> nothing changes any more.</summary>
    public void Set(string service, ServingStatus status)
    {
        lock (gate)
        {
            if (stopped)
                return;
            statuses[service] = status;
            foreach (var watcher in watchers.Where(watcher => watcher.Service == service))
                watcher.Latest.Writer.TryWrite(status);
        }
    }

    /// <summary>Anchoring has a name of its own, which serves while nobody is needed. That the chain is unwell makes nothing else unwell.</summary>
    public void Tell(AnchorStatus anchoring) => Set(Anchoring, anchoring.IsHealthy ? ServingStatus.Serving : ServingStatus.NotServing);

    /// <summary>For the start of a shutdown: nothing serves any more, and the watches end when they have said so.</summary>
    public void StopServing()
    {
        lock (gate)
        {
            foreach (var service in statuses.Keys.ToArray())
                Set(service, ServingStatus.NotServing);
            stopped = true;
            foreach (var watcher in watchers)
                watcher.Latest.Writer.TryComplete();
        }
    }

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        lock (gate)
        {
            return statuses.TryGetValue(request.Service, out var status)
                ? Task.FromResult(Response(status))
                : throw new RpcException(new Status(StatusCode.NotFound, "No service of that name has a status."));
        }
    }

    public override Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context)
    {
        var response = new HealthListResponse();
        lock (gate)
        {
            foreach (var (service, status) in statuses)
                response.Statuses.Add(service, Response(status));
        }

        return Task.FromResult(response);
    }

    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var place = places.Take(context);
        var watcher = Add(new Watcher(request.Service));
        try
        {
            ServingStatus? said = null;
            await foreach (var status in watcher.Latest.Reader.ReadAllAsync(context.CancellationToken))
            {
                if (status != said)
                    await responseStream.WriteAsync(Response(status), context.CancellationToken);
                said = status;
            }
        }
        finally
        {
            Remove(watcher);
        }
    }

    private static HealthCheckResponse Response(ServingStatus status) => new() { Status = status };

    private Watcher Add(Watcher watcher)
    {
        lock (gate)
        {
            watchers.Add(watcher);
            watcher.Latest.Writer.TryWrite(statuses.GetValueOrDefault(watcher.Service, ServingStatus.ServiceUnknown));
            if (stopped)
                watcher.Latest.Writer.TryComplete();
        }

        return watcher;
    }

    private void Remove(Watcher watcher)
    {
        lock (gate)
            watchers.Remove(watcher);
    }

    private sealed class Watcher(string service)
    {
        public string Service { get; } = service;

        // Only the newest status matters to a watcher that reads slowly.
        public Channel<ServingStatus> Latest { get; } =
            Channel.CreateBounded<ServingStatus>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    }
}
