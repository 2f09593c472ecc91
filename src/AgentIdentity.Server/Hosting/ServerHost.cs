using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Chain;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Options;
using AgentIdentity.Server.Telemetry;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Hosting;

/// <summary>The running server: a registry, and the four listeners in front of it.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    /// <summary>How long calls in flight may go on when the server is asked to end.</summary>
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    private readonly WebApplication _app;
    private readonly OpenRegistry _registry;
    private readonly JournalFlush _flush;
    private readonly Rehearsal _rehearsal;
    private readonly OtlpExport? _otlp;
    private readonly ChainAnchoring? _anchoring;
    private readonly StallLog _stalls;
    private readonly ILogger _log;

    private ServerHost(WebApplication app, OpenRegistry registry, ChainAnchoring? anchoring, ServerOptions options, ILogger log)
    {
        (_app, _registry, _anchoring, _log) = (app, registry, anchoring, log);
        var clock = app.Services.GetRequiredService<TimeProvider>();
        _flush = new JournalFlush(registry.Node, clock);
        _stalls = new StallLog(registry.Disk, () => registry.Node.OldestWrite, clock, message => log.LogWarning("{Message}", message));
        _rehearsal = new Rehearsal(options.Data, message => log.LogInformation("{Message}", message));
        _otlp = options.Otlp is { } collector ? new OtlpExport(collector) : null;
        Bound = WithPorts(options, [.. app.Urls.Select(address => new Uri(address).Port)]);
    }

    /// <summary>What it was started with, and the ports that were picked.</summary>
    public ServerOptions Bound { get; }

    public RegistryNode Registry => _registry.Node;

    public string BootstrapFile => _registry.BootstrapFile.Path;

    public string ReadyLine => $"ready grpc={Bound.Grpc} http={Bound.Http} control={Bound.Control} console={Bound.Console} data={Bound.Data}";

    /// <summary>Answers when everything answers.</summary>
    public static async Task<ServerHost> StartAsync(ServerOptions options, ILoggerFactory loggers, TimeProvider clock)
    {
        var log = loggers.CreateLogger("AgentIdentity");
        void Say(string message) => log.LogInformation("{Message}", message);
        void Alarm(string message) => log.LogError("{Message}", message);

        var certificates = options.HasTls ? new Certificates(options.TlsCertificate!, options.TlsKey!, clock, Say, Alarm) : null;
        OpenFiles.Require();
        Listening.RequireFree(options);
        var registry = await OpenRegistry.OpenAsync(options, clock, Say, Alarm);
        var opened = clock.GetUtcNow();
        WebApplication? app = null;
        ChainAnchoring? anchoring = null;
        try
        {
            if (registry.Node.Cosigning is { } cosigning)
                await cosigning.StartAsync();
            anchoring = ChainAnchoring.Open(options.Chain, registry.Node, registry.Store, clock, Alarm);
            if (anchoring is not null)
                await anchoring.LookAsync(Say);
            app = Pipeline.Build(options, registry, anchoring, certificates, loggers, clock);
            await app.StartAsync();
            await UntilProofsServeAsync(opened, clock);
            anchoring?.Start(app.Services.GetRequiredService<HealthService>().Tell, Say);
            return new ServerHost(app, registry, anchoring, options, log);
        }
        catch
        {
            if (app is not null)
                await app.DisposeAsync();
            if (anchoring is not null)
                await anchoring.DisposeAsync();
            await registry.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs until the process is asked to end, and drains; or until the ledger cannot be written any more. Answers the exit code.</summary>
    public async Task<int> RunAsync()
    {
        var ended = _app.WaitForShutdownAsync();
        if (await Task.WhenAny(ended, Registry.Halted) == ended)
        {
            await ended;
            return ExitCodes.Done;
        }

        var failure = await Registry.Halted;
        _log.LogCritical(failure, "{What}", WhyItEnds(failure));
        return ExitCodes.Halted;
    }

    // A disk is not all that may fail: what signs for enforcers ends the process too.
    internal static string WhyItEnds(Exception failure) => failure switch
    {
        KeysRefusedException => "A key of the registry does not sign, so the process ends; start it again once the keys can be used.",
        LedgerDamagedException => "What is stored is not what was signed, so the process ends; the fsck command lists all that is damaged.",
        IOException or SqliteException => "The ledger could not be written, so the process ends; start it again once the disk is well.",
        _ => "The registry failed and takes no writes, so the process ends; start it again.",
    };

    public async ValueTask DisposeAsync()
    {
        await _rehearsal.DisposeAsync();
        await _app.StopAsync();
        if (_anchoring is not null)
            await _anchoring.DisposeAsync();
        await _flush.DisposeAsync();
        await _app.DisposeAsync();
        _otlp?.Dispose();
        await _registry.DisposeAsync();
        // Last: an end that takes long because of the disk says so.
        _stalls.Dispose();
    }

    // Proofs name the second they were made in, and those of the second in which the registry opened are stale: they may have been used before a
    // restart. Whoever reads the ready line must not meet that.
    private static Task UntilProofsServeAsync(DateTimeOffset opened, TimeProvider clock)
    {
        var next = DateTimeOffset.FromUnixTimeSeconds(opened.ToUnixTimeSeconds() + 1);
        var wait = next - clock.GetUtcNow() + TimeSpan.FromMilliseconds(1);
        return wait > TimeSpan.Zero ? Task.Delay(wait, clock) : Task.CompletedTask;
    }

    private static ServerOptions WithPorts(ServerOptions options, int[] ports) => options with
    {
        Grpc = options.Grpc with { Port = ports[0] },
        Http = options.Http with { Port = ports[1] },
        Control = options.Control with { Port = ports[2] },
        Console = options.Console with { Port = ports[3] },
    };
}
