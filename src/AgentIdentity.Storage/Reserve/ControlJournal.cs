using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using Microsoft.Win32.SafeHandles;

namespace AgentIdentity.Storage.Reserve;

/// <summary>Room on the disk that was taken while there was some, for stops that come when there is none: docs/formats.md, "Control journal".</summary>
/// <remarks>
/// Blocks that hold zeros are overwritten in place, which takes no room. (A file system that copies on write may refuse it all the same, and then so does this.)
/// Who can write to the file can make stops forgotten that the ledger does not hold yet, or make the next start fail. One thread at a time.
/// </remarks>
internal sealed class ControlJournal : IDisposable
{
    public const string FileName = "control-journal";

    // A stop takes about a kilobyte: there is room for a thousand.
    private const int Bytes = 1 << 20;

    private readonly SafeFileHandle? _file;
    private Hash _last;
    private long _end;

    private ControlJournal(SafeFileHandle? file)
    {
        _file = file;
        Found = file is null ? [] : ReadAll(file);
    }

    /// <summary>What the journal held when it was opened, in the order of the ledger.</summary>
    public IReadOnlyList<StoredEntry> Found { get; }

    /// <summary>Opens the journal of a folder. It is made when there is none and there is room; without room there is none until the next start.</summary>
    public static ControlJournal Open(string path)
    {
        if (!File.Exists(path) && !TryCreate(path))
            return new ControlJournal(null);
        return new ControlJournal(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read));
    }

    /// <summary>Makes entries durable here.</summary>
    /// <exception cref="StoreFullException">They do not fit, and none was written.</exception>
    /// <exception cref="IOException">Some were: the next start will find them.</exception>
    public void Append(IReadOnlyList<StoredEntry> entries)
    {
        using var records = new MemoryStream();
        var last = _last;
        foreach (var entry in entries)
        {
            records.Write(JournalRecord.Write(entry, last, out var hash));
            last = hash;
        }
        if (_file is null || _end + records.Length > RandomAccess.GetLength(_file))
            throw new StoreFullException("There is no room in the control journal either.");
        Write(records.ToArray());
        _last = last;
        _end += records.Length;
    }

    /// <summary>Forgets everything: the ledger has it.</summary>
    public void Clear()
    {
        if (_file is null)
            return;
        (_last, _end) = (default, 0);
        Write(new byte[JournalRecord.EmptySize]);
    }

    public void Dispose() => _file?.Dispose();

    private void Write(byte[] bytes)
    {
        try
        {
            RandomAccess.Write(_file!, bytes, _end);
        }
        catch (IOException failure) when (DurableFile.IsFull(failure) && !HoldsNext(bytes.Length))
        {
            throw new StoreFullException("The file system wants new room to overwrite the control journal, and there is none.", failure);
        }
        RandomAccess.FlushToDisk(_file!);
    }

    // Room may have ended in the middle of what was written, behind a whole record.
    private bool HoldsNext(int length)
    {
        var written = new byte[length];
        return RandomAccess.Read(_file!, written, _end) > 0 && JournalRecord.TryRead(written, _last, out _, out _, out _);
    }

    private List<StoredEntry> ReadAll(SafeFileHandle file)
    {
        var bytes = new byte[RandomAccess.GetLength(file)];
        for (var read = 0; read < bytes.Length;)
            read += RandomAccess.Read(file, bytes.AsSpan(read), read) is > 0 and var count ? count : throw new EndOfStreamException("The control journal has shrunk while it was read.");
        var entries = new List<StoredEntry>();
        // What does not follow was never acknowledged: a write that was cut off, or what an earlier use of the file has left.
        while (JournalRecord.TryRead(bytes.AsSpan((int)_end), _last, out var entry, out var hash, out var size))
        {
            entries.Add(entry!);
            _last = hash;
            _end += size;
        }
        return entries;
    }

    private static bool TryCreate(string path)
    {
        try
        {
            DurableFile.Replace(path, stream => stream.Write(new byte[Bytes]));
            return true;
        }
        catch (IOException failure) when (DurableFile.IsFull(failure))
        {
            return false;
        }
    }
}
