using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Home;

/// <summary>
/// The log key as the registry named it when its operators were enrolled. Who can change this file can make false proofs look true to its
/// owner, and nothing else.
/// </summary>
internal sealed class PinnedRegistry(string path)
{
    public void Write(string publicUrl, string logKey)
    {
        var json = new JsonObject { ["public_url"] = publicUrl, ["log_key"] = logKey };
        PrivateFiles.Replace(path, Encoding.UTF8.GetBytes(json.ToLine() + "\n"));
    }

    /// <summary>The log key, or null when none was pinned for the registry of this name.</summary>
    public string? LogKey(string publicUrl)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            var json = JsonNode.Parse(File.ReadAllText(path));
            return (string?)json?["public_url"] == publicUrl ? (string?)json?["log_key"] : null;
        }
        catch (Exception damaged) when (damaged is JsonException or InvalidOperationException)
        {
            throw Failure.Usage($"{path} is damaged: JSON with public_url and log_key is expected.", "Give the log key with --log-key, or remove the file.");
        }
    }
}
