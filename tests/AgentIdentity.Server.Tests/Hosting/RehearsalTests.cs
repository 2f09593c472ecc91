using AgentIdentity.Server.Hosting;
using Shouldly;
using Xunit;

namespace AgentIdentity.Server.Tests.Hosting;

public class RehearsalTests
{
    [Fact]
    public async Task AStopIsRehearsedToItsEndAndLeavesNothingBehind()
    {
        var before = Folders();
        await Rehearsal.PlayAsync();
        Folders().Except(before).ShouldBeEmpty();
    }

    [Fact]
    public async Task AServerThatEndsBeforeItsTimeDoesNotWaitForIt()
    {
        var said = new List<string>();
        await new Rehearsal(said.Add).DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(3));
        said.ShouldBeEmpty();
    }

    private static string[] Folders() => Directory.GetDirectories(Path.GetTempPath(), "agentidentity-rehearsal-*");
}
