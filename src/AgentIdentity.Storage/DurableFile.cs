namespace AgentIdentity.Storage;

/// <summary>Replaces a file as a whole or not at all, readable by its owner alone.</summary>
internal static class DurableFile
{
    private const string DraftSuffix = ".new";

    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;

    /// <param name="path">The file.</param>
    /// <param name="write">Writes all of it.</param>
    /// <param name="isFlushed">Whether it must outlive a power failure. Without that an older one may be there afterwards, or an empty one.</param>
    public static void Replace(string path, Action<Stream> write, bool isFlushed = true)
    {
        var temporary = path + DraftSuffix;
        DataFolder.CreatePrivateFile(temporary);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Open, FileAccess.Write))
            {
                write(stream);
                stream.Flush(isFlushed);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            // One that found no room is not to keep what there was: the ledger would find none either.
            File.Delete(temporary);
            throw;
        }
        if (isFlushed)
            DataFolder.FlushNames(Path.GetDirectoryName(path)!);
    }

    /// <summary>Whether a write failed because there is no room.</summary>
    public static bool IsFull(IOException failure) => failure.HResult is NoSpace or QuotaExceeded;
}
