namespace AgentIdentity.Client.Meeting;

/// <summary>What was fetched last and serves for a while. One fetch at a time; after one that failed none for a second, and what was held goes on until its life is over. Safe for all threads.</summary>
/// <param name="fetch">Fetches; null when nothing came that could be read.</param>
/// <param name="life">How long what was fetched may be used at all.</param>
/// <param name="clock">Counts both.</param>
internal sealed class Kept<T>(Func<CancellationToken, Task<T?>> fetch, TimeSpan life, TimeProvider clock) : IDisposable
    where T : class
{
    // While nobody answers, those who ask do not each wait for that.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _turn = new(1);

    // Both are written by whoever has the turn.
    private volatile Held? _held;
    private long? _failedAt;

    /// <summary>What is held, if it may still be used.</summary>
    public T? Current => Younger(life);

    /// <summary>What is held when it is younger than asked for, else what can be had now; null when that is nothing, and what is held is too old.</summary>
    public async ValueTask<T?> GetAsync(TimeSpan younger, CancellationToken cancellationToken)
    {
        if (Younger(younger) is { } held)
            return held;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Younger(younger) is null && !IsPausing)
                await FetchAsync(cancellationToken).ConfigureAwait(false);
            return Current;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private bool IsPausing => _failedAt is { } at && clock.GetElapsedTime(at) < Pause;

    private T? Younger(TimeSpan age) => _held is { } held && clock.GetElapsedTime(held.At) < age ? held.Value : null;

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        // It is as old as the question.
        var asked = clock.GetTimestamp();
        var fetched = await fetch(cancellationToken).ConfigureAwait(false);
        _failedAt = fetched is null ? clock.GetTimestamp() : null;
        if (fetched is not null)
            _held = new Held(fetched, asked);
    }

    private sealed record Held(T Value, long At);
}
