using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Mirrors;

/// <summary>A log as static files, under the paths of C2SP tlog-tiles, for any web server to serve. A file is there as a whole or not at all.</summary>
internal sealed class LogFolder(string path)
{
    private const string Checkpoint = "checkpoint";

    /// <summary>Files written by this run.</summary>
    public int Written { get; private set; }

    /// <summary>The checkpoint up to which everything is here, or null in a new folder.</summary>
    public byte[]? ReadCheckpoint() => Find(Checkpoint);

    public void WriteCheckpoint(byte[] note) => Write(Checkpoint, note);

    public bool Has(string file) => File.Exists(Full(file));

    public byte[]? Find(string file) => Has(file) ? File.ReadAllBytes(Full(file)) : null;

    public void Write(string file, ReadOnlySpan<byte> content)
    {
        var target = Full(file);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var beside = target + ".new";
        using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }
        File.Move(beside, target, overwrite: true);
        Written++;
    }

    private string Full(string file) => Path.Combine(path, file);
}
