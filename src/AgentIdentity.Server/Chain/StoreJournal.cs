using AgentIdentity.Anchoring;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Server.Chain;

/// <summary>The journal of anchors as a small document of the store, durable as everything there.</summary>
internal sealed class StoreJournal(ILedgerStore store) : IAnchorJournal
{
    private const string Document = "anchor-journal";

    public byte[] Read() => store.ReadDocument(Document)?.Content.ToArray() ?? [];

    public Task WriteAsync(byte[] value, CancellationToken cancellation)
    {
        try
        {
            return store.TryWriteDocument(Document, store.ReadDocument(Document)?.Version ?? 0, value) ? Task.CompletedTask : throw new IOException("Somebody else writes the journal of anchors.");
        }
        catch (StoreFullException full)
        {
            throw new IOException(full.Message, full);
        }
    }
}
