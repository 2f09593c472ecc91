using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Home;

/// <summary>What an agent keeps: its key, who it is, its newest credential, and the salts that open what it recorded.</summary>
internal sealed class AgentFolder(string path)
{
    private const int NameLengthMax = 64;

    public string Name => Path.GetFileName(path);

    public string KeyFile => Path.Combine(path, "key.jwk");

    /// <summary>The key that is to take the other's place. It is there while nobody knows whether it has.</summary>
    public string NextKeyFile => Path.Combine(path, "next-key.jwk");

    public bool Exists => File.Exists(StateFile);

    /// <summary>Where the chain of statements stands.</summary>
    public string ChainFile => Path.Combine(path, "chain.json");

    /// <summary>What opens the commitments. Without it nobody, not even the agent, can ever show what was recorded.</summary>
    public string SaltsFile => Path.Combine(path, "salts.jsonl");

    private string StateFile => Path.Combine(path, "agent.json");

    private string CredentialFile => Path.Combine(path, "credential.json");

    // Not "everything": who names that means a scope, and would stop everybody.
    public static bool IsName(string name) =>
        name.Length is > 0 and <= NameLengthMax && name[0] != '.' && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') && !Scope.TryParse(name, out _);

    public static string CheckName(string name) => IsName(name)
        ? name
        : throw Failure.Usage($"'{name}' is no name for an agent: 1 to {NameLengthMax} letters, digits, '-', '_' and '.' are expected, the first not '.', and no word for a scope.");

    public PrivateKey ReadKey() => HomeFolder.ReadKey(KeyFile);

    /// <summary>Takes the next key into use. The old one's chain is kept, under the name of its key; its credential is of no use any more.</summary>
    public void TakeNextKey(KeyId old)
    {
        if (File.Exists(ChainFile))
            File.Move(ChainFile, Path.Combine(path, $"chain-{old}.json"));
        File.Delete(CredentialFile);
        File.Move(NextKeyFile, KeyFile, overwrite: true);
    }

    public void WriteState(AgentState state) => PrivateFiles.Replace(StateFile, Encoding.UTF8.GetBytes(state.ToJson() + "\n"));

    public AgentState ReadState()
    {
        if (!Exists)
            throw Failure.Usage($"There is no agent '{Name}' in {Path.GetDirectoryName(path)}.", $"Enrol it: agentid enrol --name {Name} --token TOKEN");
        return AgentState.TryParse(File.ReadAllBytes(StateFile), out var state)
            ? state
            : throw Failure.Usage($"{StateFile} is damaged.", "Enrol again with the same token: the registry answers with the same agent.");
    }

    public void WriteCredential(HeldCredential credential) =>
        PrivateFiles.Replace(CredentialFile, Encoding.UTF8.GetBytes(CredentialJson(credential).ToLine() + "\n"));

    /// <summary>The credential's token when it is good for a while yet; null when a new one must be asked for.</summary>
    public string? FindCredential(DateTimeOffset now)
    {
        if (!File.Exists(CredentialFile))
            return null;
        try
        {
            var json = JsonNode.Parse(PrivateFiles.ReadSecret(CredentialFile));
            return now < DateTimeOffset.Parse((string)json!["expires_at"]!) - CredentialKeeper.Margin ? (string?)json["token"] : null;
        }
        catch (Exception damaged) when (damaged is JsonException or InvalidOperationException or FormatException or NullReferenceException or ArgumentNullException)
        {
            return null;
        }
    }

    public static JsonObject CredentialJson(HeldCredential credential)
    {
        var json = new JsonObject
        {
            ["token"] = credential.Token,
            ["jti"] = credential.Jti,
            ["not_before"] = Instants.FromSeconds(credential.NotBefore.ToUnixTimeSeconds()),
            ["expires_at"] = Instants.FromSeconds(credential.ExpiresAt.ToUnixTimeSeconds()),
            ["ledger_index"] = credential.LedgerIndex,
            ["ledger_position"] = credential.LedgerPosition,
        };
        if (credential.Document is { } document)
            json["document"] = JsonNode.Parse(document);
        return json;
    }
}
