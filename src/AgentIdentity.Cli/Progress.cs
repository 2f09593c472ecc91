using Spectre.Console;

namespace AgentIdentity.Cli;

/// <summary>A bar on standard error for what may take long; silent when nobody watches or when JSON was asked for.</summary>
internal static class Progress
{
    /// <summary>Does the work, which says how far it has come. Without a total the bar only shows that something happens.</summary>
    public static async Task<T> ShowAsync<T>(Invocation run, string what, int? total, Func<Action<int>, Task<T>> work)
    {
        if (!run.IsWatched)
            return await work(static _ => { });
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(run.Error) });
        return await console.Progress().AutoClear(true).StartAsync(async bars =>
        {
            var bar = bars.AddTask(what, maxValue: total ?? 1);
            bar.IsIndeterminate = total is null;
            return await work(done =>
            {
                bar.Description = $"{what} {done}";
                bar.Value = total is null ? 0 : done;
            });
        });
    }
}
