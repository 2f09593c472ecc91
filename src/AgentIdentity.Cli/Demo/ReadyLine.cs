namespace AgentIdentity.Cli.Demo;

/// <summary>What a server of ours prints when it answers: <c>ready grpc=HOST:PORT http=HOST:PORT …</c>, as URLs here. A tool has http only.</summary>
internal sealed record ReadyLine(string Grpc, string Http, string Control, string Console)
{
    public static ReadyLine Parse(string line)
    {
        var words = line.Split(' ');
        if (words[0] != "ready")
            throw Failure.Refused($"A ready line was expected, and this came: {line}");
        return new ReadyLine(Url("grpc"), Url("http"), Url("control"), Url("console"));

        string Url(string name)
        {
            var word = Array.Find(words, word => word.StartsWith(name + "=", StringComparison.Ordinal));
            return word is null ? "" : "http://" + word[(name.Length + 1)..];
        }
    }
}
