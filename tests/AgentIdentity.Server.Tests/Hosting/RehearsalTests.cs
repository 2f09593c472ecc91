using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.Tests.Hosting;

/// <summary>What a server compiles before somebody needs it.</summary>
public sealed class RehearsalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_stop_is_rehearsed_to_its_end_and_leaves_nothing_behind()
    {
        await Rehearsal.PlayAsync(_folder);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task What_a_process_left_that_was_killed_while_it_rehearsed_is_removed_by_the_next()
    {
        var left = Directory.CreateDirectory(Path.Combine(_folder, "rehearsal", "keys"));
        await File.WriteAllTextAsync(Path.Combine(left.Parent!.FullName, "ledger.db"), "half a database");
        await Rehearsal.PlayAsync(_folder);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public async Task A_server_that_ends_at_once_does_not_wait_for_it()
    {
        var said = new List<string>();
        await new Rehearsal(_folder, said.Add).DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(4));
        Assert.Empty(said);
    }
}
