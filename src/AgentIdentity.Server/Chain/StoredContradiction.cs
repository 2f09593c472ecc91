using System.Text;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Server.Chain;

/// <summary>What the chain was found to have of a log that its ledger does not lead to, over restarts: docs/formats.md, "Chain contradiction".</summary>
internal sealed class StoredContradiction
{
    private const string Document = "chain-contradiction";
    private const string FirstLine = "agentidentity.v1/chain-contradiction";

    private readonly ILedgerStore _store;
    private readonly string _head;

    public StoredContradiction(ILedgerStore store, string origin)
    {
        _store = store;
        _head = $"{FirstLine}\n{origin}\n";
        Words = Read((store.ReadDocument(Document)?.Content ?? default).Span);
    }

    /// <summary>For people; null when there is none. What was found of a former log says nothing of its successor.</summary>
    public string? Words { get; private set; }

    /// <summary>Remembers what was found, or that there is nothing any more. Where there is no room for it, the next step tries again.</summary>
    public void Keep(string? words)
    {
        if (words == Words)
            return;
        try
        {
            var content = words is null ? [] : Encoding.UTF8.GetBytes($"{_head}{words}\n");
            if (_store.TryWriteDocument(Document, _store.ReadDocument(Document)?.Version ?? 0, content))
                Words = words;
        }
        catch (StoreFullException)
        {
            // What was found holds the key in this process all the same.
        }
    }

    private string? Read(ReadOnlySpan<byte> content)
    {
        var text = Encoding.UTF8.GetString(content);
        return text.StartsWith(_head, StringComparison.Ordinal) ? text[_head.Length..].TrimEnd('\n') : null;
    }
}
