using AgentIdentity.Cli.Trails;

namespace AgentIdentity.Cli.Tests.Trails;

public sealed class TrailTextTests
{
    private readonly TrailOfAnAgent _trail = new();

    [Fact]
    public void The_table_names_what_is_wrong_and_where()
    {
        var damaged = _trail.Stopped();
        damaged.Salt = Google.Protobuf.ByteString.CopyFrom(new byte[32]);
        var text = new StringWriter();

        TrailText.Write(text, [new TrailCheck(_trail.Agent, 0).Read(damaged)]);

        Assert.Contains("WRONG", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("entry 10 is not what it should be: the leaf commits to another entry", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_json_says_the_same_as_the_table()
    {
        var check = new TrailCheck(_trail.Agent, 0);

        var json = TrailText.ToJson("did:web:x", [check.Read(_trail.Enrolled()), check.Read(_trail.Issued()), check.Read(_trail.Recorded())]);

        Assert.True((bool)json["checked"]!);
        Assert.Equal(["agent-enrolled", "credentials-issued", "activity"], json["entries"]!.AsArray().Select(entry => (string)entry!["kind"]!));
        Assert.Single(json["entries"]![1]!["credentials"]!.AsArray());
        Assert.Equal(64, ((string)json["entries"]![2]!["commitments"]![0]!).Length);
    }

    [Fact]
    public void What_cannot_be_read_is_shown_as_such()
    {
        var unreadable = _trail.Enrolled();
        unreadable.Entry = Google.Protobuf.ByteString.Empty;

        var line = new TrailCheck(_trail.Agent, 0).Read(unreadable);

        Assert.Null(line.Entry);
        Assert.Equal("unreadable", (string)TrailText.ToJson("x", [line])["entries"]![0]!["kind"]!);
    }
}
