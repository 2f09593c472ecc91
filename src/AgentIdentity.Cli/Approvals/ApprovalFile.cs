using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Approvals;

/// <summary>An action that waits for the signatures of operators: a file that goes from one to the other. It holds no secret.</summary>
internal sealed record ApprovalFile(string Action, string PublicUrl, string Nonce, long ExpiresAt, int OperatorsNeeded, IReadOnlyList<string> Approvals)
{
    public bool IsComplete => Approvals.Count >= OperatorsNeeded;

    /// <summary>Asks the registry for the nonce of an action, and writes the file.</summary>
    public static async Task<ApprovalFile> BeginAsync(Invocation run, RegistryConnection connection, string action, string path, CancellationToken cancellationToken)
    {
        var begun = await connection.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = action }, cancellationToken: cancellationToken);
        if (begun.Action != action)
            throw Failure.Refused("The registry names another action than the one that was asked for; nothing was written.");
        var file = new ApprovalFile(action, run.Registry.PublicUrl, begun.Nonce, begun.ExpiresAt, (int)begun.OperatorsNeeded, []);
        PrivateFiles.WriteNew(path, file.Encode());
        return file;
    }

    public static ApprovalFile Read(string path)
    {
        try
        {
            var json = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
            return Jcs.TryCanonicalize(Encoding.UTF8.GetBytes(json["action"]!.ToJsonString()), out var action)
                ? new ApprovalFile(
                    action, (string)json["public_url"]!, (string)json["nonce"]!, (long)json["expires_at"]!, (int)json["operators_needed"]!,
                    [.. json["approvals"]!.AsArray().Select(approval => (string)approval!)])
                : throw new JsonException("the action is none");
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentNullException)
        {
            throw Failure.Usage($"{path} is not an approval file: {wrong.Message}", "agentid erase --help and agentid hold lift --help say how one is made.");
        }
    }

    /// <summary>With the signature of one operator more. The same one twice counts once.</summary>
    public ApprovalFile SignedBy(PrivateKey key, Invocation run)
    {
        if (PublicUrl != run.Registry.PublicUrl)
            throw Failure.Usage($"The file is for the registry {PublicUrl}, and this is {run.Registry.PublicUrl}.");
        if (Approvals.Any(approval => Approval.Read(approval, PublicUrl, run.Clock.GetUtcNow(), out var held) == Credentials.Refusal.None && held!.Key.KeyId == key.PublicKey.KeyId))
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
    }.ToJsonString() + "\n");
}
