using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentIdentity.AspNetCore;

/// <summary>Holds the tool's listeners back until it can decide, and not for ever: without its registry it opens as well, and refuses. A tool whose endpoints cannot be guarded as they ask does not start.</summary>
internal sealed class Opening(IVerifier verifier, ILogger<Opening> logger, IEnumerable<EndpointDataSource> endpoints) : IHostedLifecycleService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await verifier.WaitUntilReadyAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            logger.LogError("The registry has not been heard; every agent is refused until it is.");
        }
    }

    // Which endpoints there are is known when the server has started, and not before.
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        foreach (var endpoint in endpoints.SelectMany(source => source.Endpoints))
            AgentAction.Of(endpoint);
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
