using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>A ledger that is as large as a test says.</summary>
internal sealed class TestLedger(TestTree tree, ulong size) : IAnchoredTree
{
    public string Origin => "log.example/agents";

    public TreeSize Size { get; private set; } = new(size);

    public void GrowTo(ulong size) => Size = new TreeSize(size);

    public Hash RootAt(TreeSize size) => tree.Root(size.Value);

    public Hash[] Consistency(TreeSize oldSize, TreeSize newSize) => tree.Consistency(oldSize.Value, newSize.Value);
}

/// <summary>A journal in memory that keeps the seam's contract, and fails when a test says so: the write lost, or done and reported as failed.</summary>
internal sealed class TestJournal : IAnchorJournal
{
    private byte[] _value = [];

    public bool LosesNext { get; set; }

    public bool FailsAfterNext { get; set; }

    public byte[] Read() => _value;

    public Task WriteAsync(byte[] value, CancellationToken cancellation)
    {
        if (LosesNext)
            throw new IOException("The write was lost.");
        _value = value;
        return FailsAfterNext ? throw new IOException("The write was done, and nobody heard of it.") : Task.CompletedTask;
    }
}
