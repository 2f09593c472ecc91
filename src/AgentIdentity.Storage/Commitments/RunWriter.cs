namespace AgentIdentity.Storage.Commitments;

/// <summary>Writes a run under another name. It is one when it is finished, flushed, and has its own name.</summary>
internal sealed class RunWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly byte[] _block = new byte[RunBlock.Size];
    private int _pairs;
    private ulong _blocks;
    private CommitmentPair? _last;

    public RunWriter(string path)
    {
        DataFolder.CreatePrivateFile(path);
        _file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 64 * RunBlock.Size);
        // The header's place, until it is known.
        _file.Write(_block);
    }

    public ulong Count { get; private set; }

    /// <summary>Adds the next pair; one that is there is not added again.</summary>
    public void Add(CommitmentPair pair)
    {
        if (_last is { } last && pair.CompareTo(last) <= 0)
        {
            if (pair == last)
                return;
            throw new InvalidOperationException("The pairs of a run are added in their order.");
        }
        _last = pair;
        pair.CopyTo(_block.AsSpan(_pairs * CommitmentPair.Size));
        Count++;
        if (++_pairs == RunBlock.PairsMax)
            WriteBlock();
    }

    /// <summary>Everything is on the disk when it returns.</summary>
    public void Finish(RunHeader header)
    {
        if (_pairs > 0)
        {
            _block.AsSpan(_pairs * CommitmentPair.Size).Clear();
            WriteBlock();
        }
        _file.Position = 0;
        _file.Write(header.Encode());
        _file.Flush(flushToDisk: true);
    }

    public void Dispose() => _file.Dispose();

    private void WriteBlock()
    {
        RunBlock.Seal(_block, ++_blocks);
        _file.Write(_block);
        _pairs = 0;
    }
}
