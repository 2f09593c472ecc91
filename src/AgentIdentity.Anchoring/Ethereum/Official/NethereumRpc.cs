using System.Text.Json;
using System.Text.Json.Nodes;
using Nethereum.JsonRpc.Client;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AgentIdentity.Anchoring.Ethereum.Official;

/// <summary>A node, asked through Nethereum.</summary>
internal sealed class NethereumRpc(IClient client) : IRpc
{
    /// <summary>The chain behind Nethereum's client.</summary>
    public static JsonRpcChain Open(Uri url) => new(new NethereumRpc(new RpcClient(url)));

    public async Task<JsonElement> CallAsync(string method, JsonArray parameters, CancellationToken cancellation)
    {
        object[] arguments = [.. parameters.Select(parameter => JToken.Parse(parameter!.ToJsonString()))];
        try
        {
            var result = await client.SendRequestAsync<JToken?>(method, null, arguments).WaitAsync(cancellation).ConfigureAwait(false);
            using var document = JsonDocument.Parse(result?.ToString(Formatting.None) ?? "null");
            return document.RootElement.Clone();
        }
        catch (RpcResponseException refused)
        {
            throw JsonRpc.Refusal(method, refused.RpcError.Message, refused.RpcError.Data?.ToString());
        }
        catch (Exception silent) when (silent is RpcClientTimeoutException or RpcClientUnknownException)
        {
            throw new ChainException(ChainFault.Unreachable, $"{method}: the node does not answer: {silent.Message}", silent);
        }
    }
}
