using AgentIdentity.Registry;

namespace AgentIdentity.Server.Hosting;

/// <summary>Has the registry put what it gathered on the record each second, until it is disposed of.</summary>
internal sealed class JournalFlush : IAsyncDisposable
{
    private readonly RegistryNode _registry;
    private readonly PeriodicTimer _timer;
    private readonly Task _running;

    public JournalFlush(RegistryNode registry, TimeProvider clock)
    {
        _registry = registry;
        _timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        _running = RunAsync();
    }

    // What came since the last tick is written when the registry closes.
    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _running;
    }

    private async Task RunAsync()
    {
        while (await _timer.WaitForNextTickAsync())
            await _registry.FlushJournalsAsync();
    }
}
