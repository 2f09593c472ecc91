using System.Globalization;

namespace AgentIdentity.Storage.Commitments;

/// <summary>The folder of the runs. Which entries a run covers is its name: the files alone tell how far the index is, and a crash leaves nothing to repair.</summary>
internal sealed class RunFolder(string path)
{
    private const string Extension = ".run";
    private const string DraftExtension = ".new";

    /// <summary>
    /// The runs that are there, ascending, none covering what another does. Everything else in the folder goes: drafts, runs that were merged into another that is
    /// there too, those of another history, and those whose first block is damaged.
    /// </summary>
    public List<RunFile> Open(ICommittedEntries ledger)
    {
        var whole = new List<RunFile>();
        foreach (var file in Directory.Exists(path) ? Directory.GetFiles(path) : [])
        {
            if (TryOpen(file, ledger) is { } run)
                whole.Add(run);
            else
                File.Delete(file);
        }
        whole.Sort((one, other) => one.Header.From != other.Header.From ? one.Header.From.CompareTo(other.Header.From) : other.Header.To.CompareTo(one.Header.To));
        var kept = new List<RunFile>();
        foreach (var run in whole)
        {
            if (kept.Count == 0 || run.Header.From >= kept[^1].Header.To)
                kept.Add(run);
            else
                run.Delete();
        }
        return kept;
    }

    /// <summary>Makes a run: it is complete when it has its name, and takes the place of one that covers the same entries. Null when it was given up.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public RunFile? Make(ulong from, ulong to, ulong asOf, ICommittedEntries ledger, Func<RunWriter, bool> write)
    {
        DataFolder.CreateDurably(path);
        var final = Path.Combine(path, string.Create(CultureInfo.InvariantCulture, $"{from:x16}-{to:x16}{Extension}"));
        var draft = final + DraftExtension;
        try
        {
            if (!TryWrite(draft, writer => write(writer) ? new RunHeader(from, to, asOf, writer.Count, ledger.LeafHash(to - 1)) : null))
                return null;
            File.Move(draft, final, overwrite: true);
            DataFolder.FlushNames(path);
            return OpenMade(final);
        }
        catch (Exception failure) when (failure is ArgumentOutOfRangeException or UnauthorizedAccessException)
        {
            // The first is how .NET tells of a limit on the size of files.
            throw new IOException($"{final} cannot be written: {failure.Message}", failure);
        }
        finally
        {
            // A draft that was given up, or found no room, is not to take more of it.
            File.Delete(draft);
        }
    }

    // A disk that does not give back what it has just taken is no reason to write it again at once.
    private static RunFile OpenMade(string final)
    {
        try
        {
            return RunFile.Open(final);
        }
        catch (RunDamagedException damaged)
        {
            throw new IOException(damaged.Message, damaged);
        }
    }

    private static bool TryWrite(string draft, Func<RunWriter, RunHeader?> write)
    {
        using var writer = new RunWriter(draft);
        if (write(writer) is not { } header)
            return false;
        writer.Finish(header);
        return true;
    }

    private static RunFile? TryOpen(string file, ICommittedEntries ledger)
    {
        if (Path.GetExtension(file) != Extension)
            return null;
        try
        {
            var run = RunFile.Open(file);
            if (run.Header.To <= ledger.Size && run.Header.LastLeaf == ledger.LeafHash(run.Header.To - 1))
                return run;
            run.Dispose();
            return null;
        }
        catch (RunDamagedException)
        {
            return null;
        }
    }
}
