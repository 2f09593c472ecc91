using System.Net;
using System.Net.Sockets;
using System.Text;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Tests;

public sealed class ToolCallTests : IDisposable
{
    private readonly TcpListener _tool = new(IPAddress.Loopback, 0);
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);

    public ToolCallTests() => _tool.Start();

    [Fact]
    public async Task A_tool_that_is_busy_is_asked_again_when_it_says()
    {
        var answers = AnswerAsync("503 Service Unavailable\r\nRetry-After: 0", "200 OK");

        var call = await CallAsync();

        Assert.True(call.IsSuccess);
        await answers;
    }

    [Fact]
    public async Task A_tool_that_is_down_for_long_is_not_waited_for()
    {
        var answers = AnswerAsync("503 Service Unavailable\r\nRetry-After: 3600");

        Assert.Equal(503, (await CallAsync()).Status);
        await answers;
    }

    [Fact]
    public async Task A_refusal_names_its_reason()
    {
        var answers = AnswerAsync("403 Forbidden");

        Assert.Equal("AGENT_FROZEN", (await CallAsync()).Reason);
        await answers;
    }

    public void Dispose()
    {
        _tool.Dispose();
        _key.Dispose();
    }

    private Task<ToolCall> CallAsync() =>
        ToolCall.SendAsync(_key, _ => new("credential"), () => new HttpRequestMessage(HttpMethod.Get, $"http://{_tool.LocalEndpoint}/"), CancellationToken.None);

    // A connection for each answer, so that none outlives its test.
    private async Task AnswerAsync(params string[] heads)
    {
        foreach (var head in heads)
        {
            using var connection = await _tool.AcceptTcpClientAsync();
            await using var stream = connection.GetStream();
            using var reader = new StreamReader(stream);
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
                // The request is not what is tested here.
            }
            const string body = "{\"reason\":\"AGENT_FROZEN\"}";
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {head}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        }
    }
}
