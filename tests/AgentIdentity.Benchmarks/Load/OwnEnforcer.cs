using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Tests.Watch;

namespace AgentIdentity.Benchmarks.Load;

/// <summary>An enforcer in this process, behind a registry that is scripted.</summary>
internal sealed class OwnEnforcer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-bench-enforcer-");
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);

    private OwnEnforcer(WatchHost host)
    {
        Host = host;
        Enforcer = new Enforcer(new EnforcerOptions
        {
            Registry = new ConnectionOptions { GrpcUrl = host.GrpcUrl, PublicUrl = ScriptedRegistry.PublicUrl },
            Key = _key,
            Audiences = [ScriptedRegistry.Audience],
            StateFolder = _folder.FullName,
        });
    }

    public WatchHost Host { get; }

    public Enforcer Enforcer { get; }

    /// <summary>One that has its first lease.</summary>
    public static async Task<OwnEnforcer> StartAsync()
    {
        var started = new OwnEnforcer(await WatchHost.StartAsync(new ScriptedRegistry(TimeProvider.System)));
        await started.Enforcer.WaitUntilReadyAsync();
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        await Enforcer.DisposeAsync();
        await Host.DisposeAsync();
        _key.Dispose();
        _folder.Delete(recursive: true);
    }
}
