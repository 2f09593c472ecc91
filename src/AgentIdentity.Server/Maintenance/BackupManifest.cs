using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Storage.Backups;

namespace AgentIdentity.Server.Maintenance;

/// <summary>What a backup holds, in a file beside it: for people, and to notice that it was changed since. It proves nothing: who can change the backup can change it too.</summary>
internal sealed record BackupManifest(ulong Entries, ulong Size, string Root, string Checkpoint, DateTimeOffset At)
{
    private const string FileName = "backup.json";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static BackupManifest Of(RestingLedger ledger, DateTimeOffset at) =>
        new(ledger.State.Position, ledger.Signed.Size.Value, ledger.Signed.Root.ToString(), ledger.Signed.Note, at);

    public void Write(string folder)
    {
        var json = new JsonObject { ["version"] = 1, ["at"] = At, ["entries"] = Entries, ["size"] = Size, ["root"] = Root, ["checkpoint"] = Checkpoint };
        FolderCopy.WriteFile(Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(json.ToJsonString(Indented) + "\n"));
    }

    /// <exception cref="StoreRefusedException">The folder is no complete backup.</exception>
    public static BackupManifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new StoreRefusedException($"{Path.GetFullPath(folder)} is no complete backup: {FileName} is missing, which is written last.");
        try
        {
            var json = JsonNode.Parse(File.ReadAllBytes(path))!;
            return new BackupManifest((ulong)json["entries"]!, (ulong)json["size"]!, (string)json["root"]!, (string)json["checkpoint"]!, (DateTimeOffset)json["at"]!);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new StoreRefusedException($"{path} cannot be read, so the backup is damaged: take another one.", malformed);
        }
    }

    /// <summary>Whether a ledger is the one that was backed up.</summary>
    public bool IsOf(RestingLedger ledger) => Of(ledger, At) == this;
}
