using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Cli.Home;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Approvals;

/// <summary>An action that waits for the signatures of operators: a file that goes from one to the other. It holds no secret.</summary>
/// <param name="Action">What is to be done, in JCS form.</param>
/// <param name="PublicUrl">At which registry.</param>
/// <param name="Nonce">What the registry gave out for it.</param>
/// <param name="ExpiresAt">Ms since 1970.</param>
/// <param name="OperatorsNeeded">How many must sign.</param>
/// <param name="Approvals">Who has signed.</param>
/// <param name="Attachment">What goes to the registry beside the action, which names it: a proof, or a key. Empty for most.</param>
/// <param name="Passkeys">Public keys of operators, for the page that asks one of them to sign.</param>
/// <param name="About">What the numbers in the action stand for, in words, for who signs. Not signed itself.</param>
internal sealed record ApprovalFile(
    string Action, string PublicUrl, string Nonce, long ExpiresAt, int OperatorsNeeded, IReadOnlyList<string> Approvals, string Attachment, IReadOnlyList<FilePasskey> Passkeys, IReadOnlyList<string> About)
{
    public static readonly Option<string> Out = new("--out") { Required = true, HelpName = "FILE", Description = "Where to write what two operators are to sign." };

    public bool IsComplete => Approvals.Count >= OperatorsNeeded;

    /// <summary>Asks the registry for the nonce of an action, writes the file, and says who goes on how.</summary>
    public static Task<int> AskAsync(Invocation run, string action, CancellationToken cancellationToken, string attachment = "", Func<RegistryConnection, Task<IReadOnlyList<string>>>? about = null) =>
        AskAsync(run, action, run.Get(Out), cancellationToken, attachment, about);

    /// <inheritdoc cref="AskAsync(Invocation, string, CancellationToken, string, Func{RegistryConnection, Task{IReadOnlyList{string}}})"/>
    public static async Task<int> AskAsync(
        Invocation run, string action, string path, CancellationToken cancellationToken, string attachment = "", Func<RegistryConnection, Task<IReadOnlyList<string>>>? about = null)
    {
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var begun = await BeginAsync(run, connection, action, cancellationToken);
        var file = begun with { Attachment = attachment, About = about is null ? [] : await about(connection) };
        PrivateFiles.WriteNew(path, file.Encode());
        var json = new JsonObject { ["file"] = path, ["action"] = JsonNode.Parse(action), ["operators_needed"] = file.OperatorsNeeded, ["expires_at"] = Instants.FromMilliseconds(file.ExpiresAt) };
        run.Answer(json, text => text.WriteLine(
            $"{path}: to be signed by {EntryText.Count(file.OperatorsNeeded, "operator")} until {Instants.FromMilliseconds(file.ExpiresAt)}. Each: agentid approve {path}"));
        return ExitCode.Fine;
    }

    private static async Task<ApprovalFile> BeginAsync(Invocation run, RegistryConnection connection, string action, CancellationToken cancellationToken)
    {
        var begun = await connection.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = action }, cancellationToken: cancellationToken);
        if (begun.Action != action)
            throw Failure.Refused("The registry names another action than the one that was asked for; nothing was written.");
        return new ApprovalFile(action, run.Registry.PublicUrl, begun.Nonce, begun.ExpiresAt, (int)begun.OperatorsNeeded, [], "", [.. begun.Passkeys.Select(FilePasskey.Of)], []);
    }

    public static ApprovalFile Read(string path)
    {
        try
        {
            var json = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
            return Jcs.TryCanonicalize(Encoding.UTF8.GetBytes(json["action"]!.ToJsonString()), out var action)
                ? new ApprovalFile(
                    action, (string)json["public_url"]!, (string)json["nonce"]!, (long)json["expires_at"]!, (int)json["operators_needed"]!,
                    [.. json["approvals"]!.AsArray().Select(approval => (string)approval!)], (string?)json["attachment"] ?? "",
                    [.. (json["passkeys"] as JsonArray ?? []).Select(FilePasskey.Read)], [.. (json["about"] as JsonArray ?? []).Select(line => (string)line!)])
                : throw new JsonException("the action is none");
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentNullException)
        {
            throw Failure.Usage($"{path} is not an approval file: {wrong.Message}", "agentid restore --help and agentid erase --help say how one is made.");
        }
    }

    /// <summary>With the signature of one operator more, unless there are enough. The same one twice counts once.</summary>
    public ApprovalFile SignedBy(PrivateKey key, Invocation run)
    {
        if (PublicUrl != run.Registry.PublicUrl)
            throw Failure.Usage($"The file is for the registry {PublicUrl}, and this is {run.Registry.PublicUrl}.");
        if (IsComplete || Approvals.Any(approval => Approval.Read(approval, PublicUrl, run.Clock.GetUtcNow(), out var held) == Credentials.Refusal.None && held!.Key.KeyId == key.PublicKey.KeyId))
            return this;
        return this with { Approvals = [.. Approvals, Approval.Create(key, PublicUrl, Action, Nonce, run.Clock.GetUtcNow())] };
    }

    public void Write(string path) => PrivateFiles.Replace(path, Encode());

    private byte[] Encode() => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["action"] = JsonNode.Parse(Action),
        ["public_url"] = PublicUrl,
        ["nonce"] = Nonce,
        ["expires_at"] = ExpiresAt,
        ["operators_needed"] = OperatorsNeeded,
        ["approvals"] = new JsonArray([.. Approvals.Select(approval => (JsonNode)approval)]),
        ["attachment"] = Attachment,
        ["passkeys"] = new JsonArray([.. Passkeys.Select(passkey => passkey.ToJson())]),
        ["about"] = new JsonArray([.. About.Select(line => (JsonNode)line)]),
    }.ToJsonString() + "\n");
}
