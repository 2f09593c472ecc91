using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>An endpoint that passes each question on to a real node and each answer back, and says of one method what the test has it say.</summary>
internal sealed class LyingNode : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new();

    private LyingNode(Uri node)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(context => AnswerAsync(node, context));
    }

    public Uri Url => new(_app.Urls.Single());

    /// <summary>What it says instead of a result, by the method.</summary>
    public Func<string, JsonNode?, JsonNode?> Lie { get; set; } = (_, result) => result;

    public static async Task<LyingNode> StartAsync(Uri node)
    {
        var lying = new LyingNode(node);
        await lying._app.StartAsync();
        return lying;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task AnswerAsync(Uri node, HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var question = await reader.ReadToEndAsync(context.RequestAborted);
        using var answered = await _http.PostAsync(node, new StringContent(question, Encoding.UTF8, "application/json"), context.RequestAborted);
        var answer = JsonNode.Parse(await answered.Content.ReadAsStringAsync(context.RequestAborted))!.AsObject();
        answer["result"] = Lie(JsonNode.Parse(question)!["method"]!.GetValue<string>(), answer["result"]?.DeepClone());
        await context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }
}
