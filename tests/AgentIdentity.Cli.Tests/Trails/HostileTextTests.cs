using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Tests.Trails;

namespace AgentIdentity.Cli.Tests.Trails;

/// <summary>Words and times in a trail that somebody wrote for the terminal of whoever reads it.</summary>
public sealed class HostileTextTests : IDisposable
{
    private const string Reason = "odd\u001b[2K\u009b1A\r\nverdict: proven\u202e\u2028\u2066\u007f";

    private readonly Agentid _cli = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _cli.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_stops_reason_neither_begins_a_line_of_the_audit_nor_steers_the_terminal()
    {
        var log = new TrailLog();
        log.Append(new Stop(Scope.Agent(TrailLog.Agent), StandingState.Frozen, Reason, "", 3), TrailLog.Agent);

        var output = (await AuditAsync(log)).Output;

        Assert.Contains("odd\ufffd[2K\ufffd1A\ufffd\ufffdverdict: proven\ufffd\ufffd\ufffd\ufffd", output, StringComparison.Ordinal);
        Assert.DoesNotContain(output, character => char.IsControl(character) && character != '\n');
        Assert.Equal("verdict: self-consistent only", Assert.Single(output.Split('\n'), line => line.StartsWith("verdict", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_time_beyond_the_calendar_is_shown_as_its_end()
    {
        var log = new TrailLog { Clock = long.MaxValue };
        log.Record();

        var outcome = await AuditAsync(log);

        Assert.Contains("the newest one is of 9999-12-31T23:59:59.999Z", outcome.Output, StringComparison.Ordinal);
        Assert.Equal("0001-01-01T00:00:00Z", Instants.FromSeconds(long.MinValue));
    }

    [Fact]
    public void A_trail_that_a_registry_sends_is_shown_the_same_way()
    {
        var trail = new TrailOfAnAgent();
        var text = new StringWriter();

        TrailText.Write(new PlainWriter(text), [new TrailCheck(trail.Agent, 0).Read(trail.Stopped(Reason))]);

        Assert.Contains("odd\ufffd[2K", text.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\nverdict", text.ToString(), StringComparison.Ordinal);
    }

    private async Task<Outcome> AuditAsync(TrailLog log)
    {
        var file = Path.Combine(_folder.Path, "trail");
        await File.WriteAllBytesAsync(file, log.Export());
        return await _cli.RunAsync("audit", file);
    }
}
