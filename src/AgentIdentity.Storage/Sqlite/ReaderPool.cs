using System.Collections.Concurrent;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>A few connections for reading, opened when first needed. A reader waits for another reader when all are busy, never for a write.</summary>
internal sealed class ReaderPool(string path) : IDisposable
{
    // More than this many reads at a time gain nothing on the machines this runs on, and each costs a cache.
    private const int ReadersMax = 8;

    private readonly SemaphoreSlim _free = new(ReadersMax);
    private readonly ConcurrentBag<LedgerReader> _idle = [];
    private volatile bool _isClosed;

    public T Read<T>(Func<LedgerReader, T> read)
    {
        _free.Wait();
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(SqliteLedgerStore));
            if (!_idle.TryTake(out var reader))
                reader = new LedgerReader(path);
            try
            {
                return read(reader);
            }
            finally
            {
                _idle.Add(reader);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Waits for the reads that have begun; those that come later are refused.</summary>
    public void Dispose()
    {
        for (var i = 0; i < ReadersMax; i++)
            _free.Wait();
        _isClosed = true;
        foreach (var reader in _idle)
            reader.Dispose();
        _free.Release(ReadersMax);
    }
}
