using AgentIdentity.Client.Enforcing;

namespace AgentIdentity.Client.Meeting;

/// <summary>
/// What was fetched last and serves for a while. One fetch at a time, which goes on when those who wait for it give up; after one that failed none for a second, and what was held goes on until its life is over.
/// Safe for all threads.
/// </summary>
/// <param name="fetch">Fetches; null when nothing came that could be read.</param>
/// <param name="life">How long what was fetched may be used at all.</param>
/// <param name="patience">How long a fetch may take.</param>
/// <param name="clock">Counts the time of those who wait.</param>
/// <param name="boot">Counts the age of what is held, with <paramref name="clock"/>.</param>
internal sealed class Kept<T>(Func<CancellationToken, Task<T?>> fetch, TimeSpan life, TimeSpan patience, TimeProvider clock, BootClock boot)
    where T : class
{
    // While nobody answers, those who ask do not each wait for that; and with something in hand nobody waits for longer.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _turn = new();

    // Written by the one fetch that is under way.
    private volatile Held? _held;

    // Both are owned by whoever holds the lock.
    private Fetch? _last;
    private long? _failedAt;

    /// <summary>What is held, if it may still be used.</summary>
    public T? Current => Younger(life);

    /// <summary>What is held when it is younger than asked for, else what can be had now; null when that is nothing, and what is held is too old.</summary>
    public async ValueTask<T?> GetAsync(TimeSpan younger, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Younger(younger) is { } held)
            return held;
        if (FetchFor(younger) is not { } under)
            return Current;
        if (Current is not null)
            await WaitBrieflyAsync(under, cancellationToken).ConfigureAwait(false);
        if (Current is null)
            await under.Running.WaitAsync(cancellationToken).ConfigureAwait(false);
        return Current;
    }

    // The one that is under way, or a new one; null when there need be or may be none.
    private Fetch? FetchFor(TimeSpan younger)
    {
        lock (_turn)
        {
            if (_last is { Running.IsCompleted: false })
                return _last;
            if (Younger(younger) is not null || (_failedAt is { } at && clock.GetElapsedTime(at) < Pause))
                return null;
            // Whoever asked first may give up, and the others wait for it as well.
            return _last = new Fetch(Task.Run(FetchAsync, CancellationToken.None), clock.GetTimestamp());
        }
    }

    private async Task WaitBrieflyAsync(Fetch under, CancellationToken cancellationToken)
    {
        var left = Pause - clock.GetElapsedTime(under.Began);
        if (left <= TimeSpan.Zero)
            return;
        try
        {
            await under.Running.WaitAsync(left, clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What is held serves.
        }
    }

    private async Task FetchAsync()
    {
        // It is as old as the question.
        var (asked, bootAsked) = (clock.GetUtcNow(), boot.Milliseconds);
        using var ending = new CancellationTokenSource(patience, clock);
        var fetched = await fetch(ending.Token).ConfigureAwait(false);
        if (fetched is not null)
            _held = new Held(fetched, asked, bootAsked);
        lock (_turn)
            _failedAt = fetched is null ? clock.GetTimestamp() : null;
    }

    private T? Younger(TimeSpan age) => _held is { } held && IsYounger(held, age) ? held.Value : null;

    // By both clocks: the one goes on while the machine sleeps and cannot be set back, and the other is put right after a virtual machine was halted.
    private bool IsYounger(Held held, TimeSpan age) => boot.Milliseconds - held.BootAsked < age.TotalMilliseconds && clock.GetUtcNow() - held.Asked < age;

    private sealed record Fetch(Task Running, long Began);

    private sealed record Held(T Value, DateTimeOffset Asked, long BootAsked);
}
