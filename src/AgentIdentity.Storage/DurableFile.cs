namespace AgentIdentity.Storage;

/// <summary>Replaces a file as a whole or not at all, readable by its owner alone.</summary>
internal static class DurableFile
{
    /// <summary>What a file is called that is not whole yet.</summary>
    public const string DraftSuffix = ".new";

    /// <param name="path">The file.</param>
    /// <param name="write">Writes all of it.</param>
    /// <param name="isFlushed">Whether it must outlive a power failure. Without that an older one may be there afterwards, or an empty one.</param>
    public static void Replace(string path, Action<Stream> write, bool isFlushed = true)
    {
        var temporary = path + DraftSuffix;
        DataFolder.CreatePrivateFile(temporary);
        using (var stream = new FileStream(temporary, FileMode.Open, FileAccess.Write))
        {
            write(stream);
            stream.Flush(isFlushed);
        }
        File.Move(temporary, path, overwrite: true);
        if (isFlushed)
            DataFolder.FlushNames(Path.GetDirectoryName(path)!);
    }
}
