using System.Net;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Ethereum;

/// <summary>What nodes say when they refuse, in the words of several kinds of them; and what is no answer at all.</summary>
public sealed class NodeAnswers
{
    [Theory]
    [InlineData("nonce too low: next nonce 5, tx nonce 4", ChainFault.NonceTooLow)]
    [InlineData("OldNonce, Current nonce: 5", ChainFault.NonceTooLow)]
    [InlineData("already known", ChainFault.AlreadyKnown)]
    [InlineData("transaction already imported", ChainFault.AlreadyKnown)]
    [InlineData("replacement transaction underpriced", ChainFault.Underpriced)]
    [InlineData("Insufficient funds for gas * price + value", ChainFault.NoFunds)]
    [InlineData("max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1", ChainFault.FeeTooLow)]
    [InlineData("invalid chain id for signer: have 1 want 31337", ChainFault.WrongChain)]
    [InlineData("execution reverted", ChainFault.Reverted)]
    [InlineData("rate limit exceeded", ChainFault.RateLimited)]
    [InlineData("the moon is in the wrong house", ChainFault.Refused)]
    public async Task A_refusal_is_told_by_its_words(string words, ChainFault fault) =>
        Assert.Equal(fault, await FaultAsync(request => ScriptedHttp.Error(request, words)));

    [Theory]
    [InlineData("", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("[]", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":999,\"result\":\"0x1\"}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1,\"result\":1}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1,\"result\":\"1\"}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1,\"result\":\"0x1ffffffffffffffff\"}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1,\"error\":{\"message\":\"\\ud800\"}}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1,\"error\":{\"message\":\"reverted\",\"data\":\"\\udfff\"}}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"\\ud800\":0,\"id\":1,\"result\":\"0x1\"}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{\"id\":1,\"result\":\"\\ud800\"}", HttpStatusCode.OK, ChainFault.Malformed)]
    [InlineData("{}", HttpStatusCode.TooManyRequests, ChainFault.RateLimited)]
    [InlineData("{}", HttpStatusCode.BadGateway, ChainFault.Unreachable)]
    public async Task What_is_no_answer_is_none(string body, HttpStatusCode status, ChainFault fault) =>
        Assert.Equal(fault, await FaultAsync(_ => ScriptedHttp.Body(body, status)));

    [Theory]
    [InlineData("<html>who are you?</html>", HttpStatusCode.Unauthorized)]
    [InlineData("{\"error\":\"no such key\"}", HttpStatusCode.Forbidden)]
    [InlineData("", HttpStatusCode.MovedPermanently)]
    public async Task What_HTTP_says_of_no_answer_is_told(string body, HttpStatusCode status)
    {
        var fault = await RefusalAsync(_ => ScriptedHttp.Body(body, status));
        Assert.Equal(ChainFault.Malformed, fault.Fault);
        Assert.Contains($"HTTP {(int)status}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_is_told_by_its_words_whatever_HTTP_calls_it() =>
        Assert.Equal(ChainFault.NonceTooLow, await FaultAsync(request =>
        {
            var refused = ScriptedHttp.Error(request, "nonce too low");
            refused.StatusCode = HttpStatusCode.BadRequest;
            return refused;
        }));

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"baseFeePerGas\":[]}")]
    [InlineData("{\"baseFeePerGas\":\"0x1\"}")]
    [InlineData("{\"baseFeePerGas\":[\"0x1\"],\"reward\":[[]]}")]
    [InlineData("[]")]
    [InlineData("null")]
    public async Task Fees_of_another_form_are_malformed(string result)
    {
        using var script = new ScriptedHttp { Instead = (_, request) => ScriptedHttp.Result(request, System.Text.Json.Nodes.JsonNode.Parse(result)) };
        using var http = new HttpClient(script);
        var chain = new JsonRpcChain(http, new Uri("http://node.example"));
        Assert.Equal(ChainFault.Malformed, (await Assert.ThrowsAsync<ChainException>(() => chain.FeesAsync(CancellationToken.None))).Fault);
    }

    [Fact]
    public async Task A_node_that_is_not_there_is_unreachable() => Assert.Equal(ChainFault.Unreachable, await FaultAsync(_ => throw new HttpRequestException("refused")));

    [Fact]
    public async Task An_answer_beyond_all_measure_is_not_read() => Assert.Equal(ChainFault.Unreachable, await FaultAsync(_ => ScriptedHttp.Body(new string(' ', 5_000_000))));

    private static async Task<ChainFault> FaultAsync(Func<System.Text.Json.Nodes.JsonObject, HttpResponseMessage> answer) => (await RefusalAsync(answer)).Fault;

    private static async Task<ChainException> RefusalAsync(Func<System.Text.Json.Nodes.JsonObject, HttpResponseMessage> answer)
    {
        using var script = new ScriptedHttp { Instead = (_, request) => answer(request) };
        using var http = new HttpClient(script);
        var chain = new JsonRpcChain(http, new Uri("http://node.example"));
        return await Assert.ThrowsAsync<ChainException>(() => chain.ChainIdAsync(CancellationToken.None));
    }
}
