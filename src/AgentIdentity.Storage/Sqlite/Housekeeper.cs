using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>When the background thread works.</summary>
/// <param name="Pause">How long it lets work pile up. Rows that are indexed together share pages; what is not indexed yet is found by a scan of a few milliseconds.</param>
/// <param name="JournalPagesMax">The journal is copied at this length. Copying seldom spares writing the same pages again; but after a crash it is read whole.</param>
internal sealed record Housekeeping(TimeSpan Pause, int JournalPagesMax)
{
    /// <summary>A quarter of a second; 64 MiB.</summary>
    public static Housekeeping Default { get; } = new(TimeSpan.FromMilliseconds(250), 16_384);
}

/// <summary>The background thread of a store: it extends the subject index and copies the journal into the database, so that no commit does.</summary>
internal sealed class Housekeeper : IDisposable
{
    private readonly Housekeeping _rules;
    private readonly LedgerWriter _writer;
    private readonly LedgerReader _reader;
    private readonly Connection _copier;
    private readonly SubjectIndexer _indexer;
    private readonly AutoResetEvent _work = new(initialState: true);
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    public Housekeeper(string path, LedgerWriter writer, Housekeeping rules)
    {
        _rules = rules;
        _writer = writer;
        _reader = new LedgerReader(path);
        _copier = Connection.OpenWriter(path, cacheKibibytes: 64);
        _indexer = new SubjectIndexer(_reader, writer);
        _thread = new Thread(Run) { Name = "ledger housekeeping", IsBackground = true };
        _thread.Start();
    }

    /// <summary>There may be something to do.</summary>
    public void Wake() => _work.Set();

    // The two signals are left to the finalizer: a write that has just been committed may still call.
    public void Dispose()
    {
        _stop.Cancel();
        _work.Set();
        _thread.Join();
        _reader.Dispose();
        _copier.Dispose();
    }

    private void Run()
    {
        try
        {
            while (_work.WaitOne() && !_stop.Token.WaitHandle.WaitOne(_rules.Pause))
                KeepHouse();
        }
        catch (Exception failure)
        {
            // The flush of a copied journal that failed is a failed write like any other.
            _writer.Fail(failure);
        }
    }

    private void KeepHouse()
    {
        try
        {
            _writer.EmptyErasedJournal();
            // Whatever was in the way may end when nobody writes any more.
            if (_writer.MustEmptyJournal)
                _work.Set();
            do
                _writer.CopyLongJournal(_copier, _rules.JournalPagesMax);
            while (_indexer.IndexRun(_stop.Token));
        }
        catch (StoreFullException)
        {
            // Nothing is lost: entries that are not indexed are searched, and the next write calls again.
        }
        catch (SqliteException failure) when (failure.IsFull)
        {
            // The same for the database file: the journal keeps what could not be copied.
        }
    }
}
