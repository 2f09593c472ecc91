using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using AgentIdentity.Protocol.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Ack = AgentIdentity.Credentials.Watching.Acknowledgement;

namespace AgentIdentity.Tests.Watch;

/// <summary>Serves a scripted registry's watch over real gRPC: greets, shows a snapshot, answers nonces, and sends what it is told to.</summary>
internal sealed class WatchHost : IAsyncDisposable
{
    private readonly Lock _turn = new();
    private readonly List<Channel<RegistryMessage>> _enforcers = [];
    private WebApplication? _app;

    private WatchHost(ScriptedRegistry registry) => Registry = registry;

    public ScriptedRegistry Registry { get; }

    public string GrpcUrl { get; private set; } = "";

    /// <summary>Answers no nonces.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Looks at a call before it is served.</summary>
    public Action<ServerCallContext, EnforcerMessage>? Authenticate { get; set; }

    /// <summary>Items that the ledger does not hold.</summary>
    public Func<Google.Protobuf.ByteString, bool> IsUnlogged { get; set; } = static _ => false;

    /// <summary>What enforcers have begun with.</summary>
    public ConcurrentQueue<WatchBegin> Begins { get; } = new();

    /// <summary>What enforcers have signed.</summary>
    public Channel<Ack> Acknowledged { get; } = Channel.CreateUnbounded<Ack>();

    /// <summary>What enforcers have raised alarms for.</summary>
    public ConcurrentQueue<WatchAlarm> Alarms { get; } = new();

    /// <summary>How often each item was let in, as the enforcers say.</summary>
    public ConcurrentDictionary<Google.Protobuf.ByteString, uint> Counted { get; } = new();

    public static async Task<WatchHost> StartAsync(ScriptedRegistry registry)
    {
        var host = new WatchHost(registry);
        await host.StartAsync(port: 0);
        return host;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync(new Uri(GrpcUrl).Port);
    }

    public async Task StopAsync()
    {
        if (_app is null)
            return;
        lock (_turn)
            _enforcers.ForEach(enforcer => enforcer.Writer.TryComplete());
        await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>Makes something happen in the registry, and sends it to whoever watches.</summary>
    public void Send(Func<ScriptedRegistry, RegistryMessage> happening)
    {
        lock (_turn)
        {
            var message = happening(Registry);
            _enforcers.ForEach(enforcer => enforcer.Writer.TryWrite(message));
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<Service>();
        await _app.StartAsync();
        GrpcUrl = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).GetLeftPart(UriPartial.Authority);
    }

    private Channel<RegistryMessage> Begin(WatchBegin begin)
    {
        var enforcer = Channel.CreateUnbounded<RegistryMessage>();
        Begins.Enqueue(begin);
        lock (_turn)
        {
            enforcer.Writer.TryWrite(Registry.Greeting());
            enforcer.Writer.TryWrite(Registry.Snapshot());
            _enforcers.Add(enforcer);
        }
        return enforcer;
    }

    private void Take(EnforcerMessage message, Channel<RegistryMessage> enforcer)
    {
        lock (_turn)
        {
            switch (message.OfCase)
            {
                case EnforcerMessage.OfOneofCase.Nonce when !IsSilent:
                    enforcer.Writer.TryWrite(Registry.Heartbeat(message.Nonce));
                    break;
                case EnforcerMessage.OfOneofCase.Acknowledgement when Ack.TryRead(message.Acknowledgement.Token, ScriptedRegistry.PublicUrl, out var acknowledgement, out _):
                    Acknowledged.Writer.TryWrite(acknowledgement);
                    break;
                case EnforcerMessage.OfOneofCase.Alarm:
                    Alarms.Enqueue(message.Alarm);
                    break;
                case EnforcerMessage.OfOneofCase.Accepted:
                    foreach (var (item, count) in message.Accepted.Items.Zip(message.Accepted.Counts))
                        Counted[item] = count;
                    if (message.Accepted.Items.Where(IsUnlogged).ToArray() is { Length: > 0 } unlogged)
                        enforcer.Writer.TryWrite(new RegistryMessage { Unlogged = new UnloggedCredentials { Items = { unlogged } } });
                    break;
            }
        }
    }

    private void End(Channel<RegistryMessage> enforcer)
    {
        lock (_turn)
            _enforcers.Remove(enforcer);
    }

    private sealed class Service(WatchHost host) : Access.AccessBase
    {
        public override async Task Watch(IAsyncStreamReader<EnforcerMessage> requests, IServerStreamWriter<RegistryMessage> responses, ServerCallContext context)
        {
            await requests.MoveNext(context.CancellationToken);
            host.Authenticate?.Invoke(context, requests.Current);
            var enforcer = host.Begin(requests.Current.Begin);
            var reading = ReadAsync(requests, enforcer, context);
            try
            {
                await foreach (var message in enforcer.Reader.ReadAllAsync(context.CancellationToken))
                    await responses.WriteAsync(message);
            }
            finally
            {
                host.End(enforcer);
                enforcer.Writer.TryComplete();
            }
            _ = reading;
        }

        private async Task ReadAsync(IAsyncStreamReader<EnforcerMessage> requests, Channel<RegistryMessage> enforcer, ServerCallContext context)
        {
            try
            {
                while (await requests.MoveNext(context.CancellationToken))
                    host.Take(requests.Current, enforcer);
            }
            catch (Exception ended) when (ended is IOException or OperationCanceledException or InvalidOperationException)
            {
                // The enforcer has gone.
                enforcer.Writer.TryComplete();
            }
        }
    }
}
