namespace AgentIdentity.Storage;

/// <summary>Replaces a file as a whole or not at all, readable by its owner alone.</summary>
internal static class DurableFile
{
    /// <summary>What a file is called that is not whole yet.</summary>
    public const string DraftSuffix = ".new";

    public static void Replace(string path, Action<Stream> write)
    {
        var temporary = path + DraftSuffix;
        DataFolder.CreatePrivateFile(temporary);
        using (var stream = new FileStream(temporary, FileMode.Open, FileAccess.Write))
        {
            write(stream);
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
        DataFolder.FlushNames(Path.GetDirectoryName(path)!);
    }
}
