using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentIdentity.AspNetCore;

/// <summary>Holds the tool's listeners back until it can decide, and not for ever: without its registry it opens as well, and refuses.</summary>
internal sealed class Opening(IVerifier verifier, ILogger<Opening> logger) : IHostedService
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

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
