using Microsoft.Win32.SafeHandles;

namespace AgentIdentity.Storage.Commitments;

/// <summary>Sorted pairs of a range of entries in a file that never changes. Layout: a <see cref="RunHeader"/>, then <see cref="RunBlock"/>s of pairs, all but the last full.</summary>
/// <remarks>Who can change the file can make a search not find something, until the run is made again; never make it find what is not in the ledger.</remarks>
internal sealed class RunFile : ISegment, IDisposable
{
    private readonly SafeFileHandle _file;

    private RunFile(string path, SafeFileHandle file, RunHeader header) => (Path, _file, Header) = (path, file, header);

    public string Path { get; }

    public RunHeader Header { get; }

    public ulong From => Header.From;

    public ulong To => Header.To;

    /// <summary>Whether a read has met damage: from then on the run counts as not there.</summary>
    public bool IsDamaged { get; private set; }

    /// <exception cref="RunDamagedException">It is not whole.</exception>
    public static RunFile Open(string path)
    {
        var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        try
        {
            var block = new byte[RunBlock.Size];
            Fill(file, block, 0, path);
            var header = RunHeader.Read(block, path);
            return RandomAccess.GetLength(file) == header.FileSize
                ? new RunFile(path, file, header)
                : throw new RunDamagedException($"{path} has {RandomAccess.GetLength(file)} of {header.FileSize} bytes");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="RunDamagedException">What was read is not what was written.</exception>
    public void AddPlaces(ulong prefix, ulong first, int countMax, List<ulong> places)
    {
        if (first >= To || places.Count >= countMax)
            return;
        var wanted = new CommitmentPair(prefix, first);
        Span<byte> block = stackalloc byte[RunBlock.Size];
        for (var number = FirstBlock(wanted, block); number <= Header.Blocks; number++)
        {
            ReadBlocks(number, block);
            for (var i = 0; i < PairsIn(number); i++)
            {
                var pair = CommitmentPair.Read(block[(i * CommitmentPair.Size)..]);
                if (pair.Prefix > prefix || places.Count == countMax)
                    return;
                if (pair.CompareTo(wanted) >= 0)
                    places.Add(pair.Index);
            }
        }
    }

    /// <summary>All pairs in their order.</summary>
    public RunCursor Read() => new(this);

    /// <summary>Fills the buffer with whole blocks from this one on, and holds each against its sum. Blocks are counted from 1, behind the header.</summary>
    public void ReadBlocks(ulong first, Span<byte> blocks)
    {
        try
        {
            Fill(_file, blocks, (long)first * RunBlock.Size, Path);
            for (var i = 0; i < blocks.Length / RunBlock.Size; i++)
                RunBlock.RequireWhole(blocks.Slice(i * RunBlock.Size, RunBlock.Size), first + (ulong)i, Path);
        }
        catch (RunDamagedException)
        {
            IsDamaged = true;
            throw;
        }
    }

    public int PairsIn(ulong number) => (int)Math.Min(RunBlock.PairsMax, Header.Count - ((number - 1) * RunBlock.PairsMax));

    public void Delete()
    {
        Dispose();
        File.Delete(Path);
    }

    public void Dispose() => _file.Dispose();

    // The last block that begins at or before the pair: it, or the next, holds the first that is not before it.
    private ulong FirstBlock(CommitmentPair wanted, Span<byte> block)
    {
        var (low, high) = (1UL, Header.Blocks);
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            ReadBlocks(middle, block);
            if (CommitmentPair.Read(block).CompareTo(wanted) <= 0)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    private static void Fill(SafeFileHandle file, Span<byte> bytes, long offset, string path)
    {
        for (var read = 0; read < bytes.Length;)
        {
            var count = Read(file, bytes[read..], offset + read, path);
            if (count == 0)
                throw new RunDamagedException($"{path} ends before byte {offset + bytes.Length}");
            read += count;
        }
    }

    private static int Read(SafeFileHandle file, Span<byte> bytes, long offset, string path)
    {
        try
        {
            return RandomAccess.Read(file, bytes, offset);
        }
        catch (IOException failure)
        {
            throw new RunDamagedException($"{path} cannot be read at byte {offset}: {failure.Message}", failure);
        }
    }
}

/// <summary>Goes through the pairs of a run. One thread.</summary>
internal sealed class RunCursor(RunFile run)
{
    private const int BlocksAtOnce = 64;

    private readonly byte[] _blocks = new byte[(int)Math.Min(BlocksAtOnce, run.Header.Blocks) * RunBlock.Size];

    // The block of the current pair, counted from 1, and the last one in the buffer.
    private ulong _number, _buffered;
    private int _pair, _pairs;

    public CommitmentPair Current { get; private set; }

    public bool MoveNext()
    {
        if (_pair == _pairs && !NextBlock())
            return false;
        var place = (int)((_number - 1) % BlocksAtOnce) * RunBlock.Size;
        Current = CommitmentPair.Read(_blocks.AsSpan(place + (_pair++ * CommitmentPair.Size)));
        return true;
    }

    private bool NextBlock()
    {
        if (_number == run.Header.Blocks)
            return false;
        if (++_number > _buffered)
        {
            var count = Math.Min(BlocksAtOnce, run.Header.Blocks - _buffered);
            run.ReadBlocks(_number, _blocks.AsSpan(0, (int)count * RunBlock.Size));
            _buffered += count;
        }
        (_pair, _pairs) = (0, run.PairsIn(_number));
        return true;
    }
}
