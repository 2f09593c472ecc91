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
    private readonly Action<string> _alarm;

    // Owned by the anchoring, whose steps come one after the other.
    private bool _isUnwritten;

    /// <param name="alarm">Is told when the store fails, once until it is well again.</param>
    public StoredContradiction(ILedgerStore store, string origin, Action<string> alarm)
    {
        (_store, _alarm) = (store, alarm);
        _head = $"{FirstLine}\n{origin}\n";
        Words = Read((store.ReadDocument(Document)?.Content ?? default).Span);
    }

    /// <summary>For people; null when there is none. What was found of a former log says nothing of its successor.</summary>
    public string? Words { get; private set; }

    /// <summary>Remembers what was found, or that there is nothing any more. Where there is no room for it, or the store fails, the next step tries again.</summary>
    public void Keep(string? words)
    {
        if (words == Words)
            return;
        try
        {
            var content = words is null ? [] : Encoding.UTF8.GetBytes($"{_head}{words}\n");
            if (!_store.TryWriteDocument(Document, _store.ReadDocument(Document)?.Version ?? 0, content))
                return;
            (Words, _isUnwritten) = (words, false);
        }
        catch (StoreFullException)
        {
            // What was found holds the key in this process all the same.
        }
        catch (Exception failure)
        {
            // Of a disk, say. It must not end the anchoring, which nobody waits for and nobody would miss.
            if (!_isUnwritten)
                _alarm($"What the chain was found to have of this log cannot be remembered over a restart, and is tried again: {failure.Message}");
            _isUnwritten = true;
        }
    }

    private string? Read(ReadOnlySpan<byte> content)
    {
        var text = Encoding.UTF8.GetString(content);
        return text.StartsWith(_head, StringComparison.Ordinal) ? text[_head.Length..].TrimEnd('\n') : null;
    }
}
