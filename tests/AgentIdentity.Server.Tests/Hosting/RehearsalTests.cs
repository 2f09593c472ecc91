using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.Tests.Hosting;

/// <summary>What a server compiles before somebody needs it.</summary>
public sealed class RehearsalTests
{
    [Fact]
    public async Task A_stop_is_rehearsed_to_its_end_and_leaves_nothing_behind() => Assert.False(Directory.Exists(await Rehearsal.PlayAsync()));

    [Fact]
    public async Task A_server_that_ends_at_once_does_not_wait_for_it()
    {
        var said = new List<string>();
        await new Rehearsal(said.Add).DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(4));
        Assert.Empty(said);
    }
}
