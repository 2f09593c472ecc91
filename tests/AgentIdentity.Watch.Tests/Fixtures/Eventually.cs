namespace AgentIdentity.Watch.Tests.Fixtures;

/// <summary>Waits for what must come.</summary>
internal static class Eventually
{
    /// <summary>How long a test waits.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    public static async Task HoldsAsync(Func<bool> holds, Func<string> problem)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, problem());
            await Task.Delay(LookAgain);
        }
    }
}
