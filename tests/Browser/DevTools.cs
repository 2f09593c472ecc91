using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentIdentity.Tests.Browser;

/// <summary>A connection to a browser in the Chrome DevTools protocol: commands and their answers. Events are passed over.</summary>
internal sealed class DevTools : IAsyncDisposable
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _sending = new(1);
    private Task _reading = Task.CompletedTask;
    private int _number;

    public static async Task<DevTools> ConnectAsync(Uri address)
    {
        var tools = new DevTools();
        await tools._socket.ConnectAsync(address, CancellationToken.None).WaitAsync(AnswerMax);
        tools._reading = tools.ReadAsync();
        return tools;
    }

    public async Task<JsonElement> SendAsync(string method, JsonObject? parameters = null, string? session = null)
    {
        var number = Interlocked.Increment(ref _number);
        var answer = _waiting[number] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject { ["id"] = number, ["method"] = method, ["params"] = parameters ?? [] };
        if (session is not null)
            message["sessionId"] = session;
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, _ended.Token);
        }
        finally
        {
            _sending.Release();
        }
        return await answer.Task.WaitAsync(AnswerMax);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _reading;
        _socket.Dispose();
        _sending.Dispose();
        _ended.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await ReceiveAsync() is { } message)
                Take(message);
        }
        catch (Exception ended) when (ended is OperationCanceledException or WebSocketException)
        {
            foreach (var waiting in _waiting.Values)
                waiting.TrySetException(new IOException("The browser has ended.", ended));
        }
    }

    private async Task<JsonElement?> ReceiveAsync()
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await _socket.ReceiveAsync(buffer.AsMemory(), _ended.Token);
            message.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        return received.MessageType == WebSocketMessageType.Close ? null : JsonSerializer.Deserialize<JsonElement>(message.ToArray());
    }

    private void Take(JsonElement message)
    {
        if (!message.TryGetProperty("id", out var id) || !_waiting.TryRemove(id.GetInt32(), out var waiting))
            return;
        if (message.TryGetProperty("error", out var error))
            waiting.SetException(new InvalidOperationException(error.GetRawText()));
        else
            waiting.SetResult(message.GetProperty("result"));
    }
}
