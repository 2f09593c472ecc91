using System.Net;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Server.Grpc;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WatchStream = AgentIdentity.Registry.Watching.WatchStream;

namespace AgentIdentity.Watch.Tests.Fixtures;

/// <summary>What stands between enforcers and a registry in this process. By itself it passes on what both say; who overrides it lies, delays, or cuts off.</summary>
internal abstract class Between
{
    /// <summary>The registry that an enforcer meets now; null: nobody answers.</summary>
    public abstract RegistryNode? Registry { get; }

    /// <summary>The registry's clock, which proofs are held against.</summary>
    public virtual DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public virtual WatchWish Begin(KeyId enforcer, WatchWish wish) => wish;

    public virtual IAsyncEnumerable<WatchMessage> SayAsync(KeyId enforcer, IAsyncEnumerable<WatchMessage> messages, CancellationToken ended) => messages;

    /// <summary>Takes what an enforcer says. Null: the registry does not hear it.</summary>
    public virtual EnforcerMessage? Hear(KeyId enforcer, EnforcerMessage message) => message;
}

/// <summary>Serves the watch of a registry in this process over real gRPC, at whatever address is free or wanted, through whatever stands between.</summary>
internal sealed class WatchDesk : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WatchDesk(WebApplication app) => _app = app;

    public string GrpcUrl => _app.Urls.Single();

    public static async Task<WatchDesk> OpenAsync(Between between, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(between);
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return new WatchDesk(app);
    }

    public async ValueTask DisposeAsync()
    {
        // Streams do not end by themselves.
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _app.DisposeAsync();
    }

    private sealed class Service(Between between) : Access.AccessBase
    {
        public override async Task Watch(IAsyncStreamReader<EnforcerMessage> requests, IServerStreamWriter<RegistryMessage> responses, ServerCallContext context)
        {
            var registry = between.Registry ?? throw new RpcException(new Status(StatusCode.Unavailable, "Nobody answers."));
            await requests.MoveNext(context.CancellationToken);
            var enforcer = KeyOf(context);
            var stream = Good(await registry.Watch.BeginAsync(registry.State.FindCaller(enforcer)!, between.Begin(enforcer, Wish(requests.Current.Begin)), context.CancellationToken));
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stream.Ended);
            try
            {
                var hearing = HearAsync(registry, stream, enforcer, requests, ended.Token);
                var saying = SayAsync(registry, stream, enforcer, responses, ended.Token);
                await await Task.WhenAny(hearing, saying);
                await ended.CancelAsync();
                await Task.WhenAll(hearing, saying).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            finally
            {
                registry.Watch.End(stream);
            }
        }

        // The desk asks for no nonce: whose key it is, is all that it wants to know.
        private KeyId KeyOf(ServerCallContext context)
        {
            Assert.Equal(Refusal.None, KeyProof.Read(context.RequestHeaders.GetValue("dpop"), between.Now, out var proof));
            return proof!.Key.KeyId;
        }

        private static WatchWish Wish(WatchBegin begin) => new(begin.KnownCheckpoint, begin.LastNote, begin.LastPayload.ToByteArray(), [.. begin.Orders], begin.ObserveOnly);

        private async Task SayAsync(RegistryNode registry, WatchStream stream, KeyId enforcer, IServerStreamWriter<RegistryMessage> responses, CancellationToken ended)
        {
            await foreach (var message in between.SayAsync(enforcer, stream.ReadAllAsync(ended), ended))
            {
                foreach (var part in registry.WatchParts(message))
                    await responses.WriteAsync(part, ended);
            }
        }

        private async Task HearAsync(RegistryNode registry, WatchStream stream, KeyId enforcer, IAsyncStreamReader<EnforcerMessage> requests, CancellationToken ended)
        {
            while (await requests.MoveNext(ended))
            {
                if (between.Hear(enforcer, requests.Current) is { } heard)
                    Good(await TakeAsync(registry, stream, heard));
            }
        }

        private static Task<Outcome<bool>> TakeAsync(RegistryNode registry, WatchStream stream, EnforcerMessage message) => message.OfCase switch
        {
            EnforcerMessage.OfOneofCase.Nonce => registry.Watch.AnswerAsync(stream, message.Nonce.Nonce.ToByteArray(), new TreeSize(message.Nonce.TreeSize)),
            EnforcerMessage.OfOneofCase.Acknowledgement => registry.Watch.AcknowledgeAsync(stream, message.Acknowledgement.Token),
            _ => registry.Watch.AcceptedAsync(stream, [.. message.Accepted.Items.Select(item => Hash.Read(item.Span))], message.Accepted.Counts),
        };

        private static T Good<T>(Outcome<T> outcome) =>
            outcome.IsRefused ? throw new RpcException(new Status(StatusCode.FailedPrecondition, $"{outcome.Refusal.Name()}: {outcome.Detail}")) : outcome.Value;
    }
}
