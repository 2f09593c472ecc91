using AgentIdentity.Registry.Operating;

namespace AgentIdentity.Server.Hosting;

/// <summary>Puts the gathered refusals of the control listener on the record each second, until it is disposed of.</summary>
internal sealed class RefusalFlush : IAsyncDisposable
{
    private readonly RefusalJournal _journal;
    private readonly PeriodicTimer _timer;
    private readonly Task _running;

    public RefusalFlush(RefusalJournal journal, TimeProvider clock)
    {
        _journal = journal;
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
            await _journal.FlushAsync();
    }
}
