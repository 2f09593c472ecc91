using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>What happens to the next write.</summary>
public enum Fault
{
    None,

    /// <summary>Not done, and reported as failed.</summary>
    Lost,

    /// <summary>Done, and reported as failed.</summary>
    DoneButReported,

    /// <summary>Not done, since there is no room.</summary>
    Full,
}

/// <summary>A store whose writes can be held up, and made to fail. After a failure whose outcome is unknown it refuses every write, as its contract says.</summary>
internal sealed class FaultyStore(ILedgerStore store) : ILedgerStore
{
    private readonly ManualResetEventSlim _open = new(true);
    private volatile TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isBroken;
    private int _entriesRead;
    private (int Write, Fault Fault)? _later;

    public Fault OnAppend { get; set; }

    public Fault OnPublish { get; set; }

    public Fault OnReserve { get; set; }

    public Fault OnDocument { get; set; }

    public LeafIndex? FirstReserved => store.FirstReserved;

    public TreeSize Size => store.Size;

    public StoredCheckpoint? LastCheckpoint => store.LastCheckpoint;

    /// <summary>What happens to a write that is to come; 0 is the next one.</summary>
    public void FailLater(int write, Fault fault) => _later = (write, fault);

    /// <summary>How many entries each append brought.</summary>
    public List<int> Groups { get; } = [];

    /// <summary>How many entries have been read.</summary>
    public int EntriesRead => _entriesRead;

    /// <summary>Appends wait from now on. The task ends when one has come.</summary>
    public Task HoldAppends()
    {
        _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _open.Reset();
        return _held.Task.WaitAsync(TestNode.Patience);
    }

    public void LetAppendsGo() => _open.Set();

    public void Append(LeafIndex first, IReadOnlyList<StoredEntry> entries)
    {
        _held.TrySetResult();
        _open.Wait();
        Write(OnAppend, () => store.Append(first, entries));
        Groups.Add(entries.Count);
    }

    public void AppendToReserve(LeafIndex first, IReadOnlyList<StoredEntry> entries) => Write(OnReserve, () => store.AppendToReserve(first, entries));

    public bool AppendErasing(LeafIndex first, IReadOnlyList<StoredEntry> entries, IReadOnlyList<StoredStub> stubs)
    {
        var isGone = false;
        Write(OnAppend, () => isGone = store.AppendErasing(first, entries, stubs));
        Groups.Add(entries.Count);
        return isGone;
    }

    public bool TryPublish(TreeSize expected, StoredCheckpoint next, IReadOnlyList<StoredTile> tiles)
    {
        var published = false;
        Write(OnPublish, () => published = store.TryPublish(expected, next, tiles));
        return published;
    }

    public IReadOnlyList<StoredEntry> Read(LeafIndex first, int countMax) => Counted(store.Read(first, countMax));

    public IReadOnlyList<byte[]> ReadLeaves(LeafIndex first, int countMax) => store.ReadLeaves(first, countMax);

    public IReadOnlyList<StoredEntry> ReadBySubject(SubjectId subject, ulong firstSequence, int countMax) =>
        Counted(store.ReadBySubject(subject, firstSequence, countMax));

    public CommitmentPlaces FindCommitment(in Hash commitment, LeafIndex from, int countMax) => store.FindCommitment(in commitment, from, countMax);

    public ReadOnlyMemory<byte>? ReadTile(int level, ulong index) => store.ReadTile(level, index);

    public StoredDocument? ReadDocument(string name) => store.ReadDocument(name);

    public bool TryWriteDocument(string name, long expectedVersion, ReadOnlyMemory<byte> content)
    {
        var written = false;
        Write(OnDocument, () => written = store.TryWriteDocument(name, expectedVersion, content));
        return written;
    }

    public void Dispose()
    {
        _open.Set();
        store.Dispose();
    }

    private void Write(Fault fault, Action write)
    {
        if (_isBroken)
            throw new IOException("A write was tried after a write had failed.");
        if (_later is { } later)
        {
            fault = later.Write == 0 ? later.Fault : fault;
            _later = (later.Write - 1, later.Fault);
        }
        if (fault == Fault.Full)
            throw new StoreFullException("No room.");
        if (fault != Fault.Lost)
            write();
        if (fault == Fault.None)
            return;
        _isBroken = true;
        throw new IOException("The disk has failed.");
    }

    private IReadOnlyList<StoredEntry> Counted(IReadOnlyList<StoredEntry> entries)
    {
        Interlocked.Add(ref _entriesRead, entries.Count);
        return entries;
    }
}
