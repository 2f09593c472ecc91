using System.Text;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Asking;

/// <summary>A graph for Graphviz: <c>agentid … --dot | dot -Tsvg</c>.</summary>
internal sealed class DotGraph
{
    private readonly StringBuilder _lines = new();
    private readonly HashSet<string> _nodes = [];

    public void Node(string id, string label, bool isMarked)
    {
        if (_nodes.Add(id))
            _lines.AppendLine($"  {Quote(id)} [label={Quote(label)}{(isMarked ? ", style=filled, fillcolor=lightgrey" : "")}];");
    }

    /// <summary>An agent; one that is stopped is marked. Of another's agent a sponsor is told no state.</summary>
    public void Agent(AgentThen agent, string more = "")
    {
        var isStopped = agent.State is not (AgentState.Active or AgentState.Unspecified);
        Node(agent.Did, $"{agent.Did[(agent.Did.LastIndexOf(':') + 1)..]}\n{agent.Blueprint}{(isStopped ? $"\n{WireJson.Word(agent.State)}" : "")}{more}", isStopped);
    }

    public void Edge(string from, string to, string label) => _lines.AppendLine($"  {Quote(from)} -> {Quote(to)} [label={Quote(label)}];");

    public void Write(TextWriter output)
    {
        output.WriteLine("digraph agents {");
        output.Write(_lines);
        output.WriteLine("}");
    }

    // Names come from others: within quotes nothing of them is a quote, an escape or a line.
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var letter in text)
            _ = letter switch
            {
                '"' or '\\' => quoted.Append('\\').Append(letter),
                '\n' => quoted.Append("\\n"),
                _ when char.IsControl(letter) => quoted.Append('\ufffd'),
                _ => quoted.Append(letter),
            };
        return quoted.Append('"').ToString();
    }
}
