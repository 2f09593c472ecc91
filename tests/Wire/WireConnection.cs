using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace AgentIdentity.Tests.Wire;

/// <summary>A unary call as bytes, ready to be sent: the path, the framed message, and the key proof that goes with it.</summary>
internal sealed record WireCall(string Path, byte[] Frame, string? Proof = null)
{
    private const int PrefixSize = 5;

    public static WireCall Of(string path, IMessage message, string? proof = null) => new(path, FrameOf(message.ToByteArray()), proof);

    public static byte[] FrameOf(ReadOnlySpan<byte> message)
    {
        var frame = new byte[PrefixSize + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsSpan(PrefixSize));
        return frame;
    }
}

/// <summary>What came back. Status is the gRPC status code; the message is there when it is 0.</summary>
internal sealed record WireAnswer(int Status, ReadOnlyMemory<byte> Message, string Detail, string? Nonce)
{
    public bool IsGood => Status == 0;
}

/// <summary>The registry said no, where the caller expected a yes.</summary>
internal sealed class WireRefusedException(WireAnswer answer) : Exception($"gRPC status {answer.Status}: {answer.Detail}")
{
    public WireAnswer Answer => answer;
}

/// <summary>One HTTP/2 connection that carries gRPC calls made beforehand, so that whoever loads a server spends little on it.</summary>
internal sealed class WireConnection(IPEndPoint address, WireTls? tls = null) : IDisposable
{
    private const int PrefixSize = 5;
    private static readonly MediaTypeHeaderValue Grpc = new("application/grpc");

    private readonly string _scheme = tls is null ? "http" : "https";
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null, SslOptions = tls?.Options() ?? new(),
    });

    /// <exception cref="HttpRequestException">The connection was lost: whether the call was carried out is not known.</exception>
    public async Task<WireAnswer> SendAsync(WireCall call)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_scheme}://{address}{call.Path}") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent(call.Frame);
        request.Content.Headers.ContentType = Grpc;
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("grpc-timeout", "20S");
        if (call.Proof is not null)
            request.Headers.TryAddWithoutValidation("dpop", call.Proof);
        using var response = await _http.SendAsync(request, CancellationToken.None).ConfigureAwait(false);
        var body = await response.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
        return Answer(response, body);
    }

    /// <summary>Calls, and reads the answer as a message.</summary>
    /// <exception cref="WireRefusedException">The status was not OK.</exception>
    public async Task<T> CallAsync<T>(WireCall call) where T : IMessage<T>, new()
    {
        var answer = await SendAsync(call).ConfigureAwait(false);
        return answer.IsGood ? new MessageParser<T>(() => new T()).ParseFrom(answer.Message.Span) : throw new WireRefusedException(answer);
    }

    public void Dispose() => _http.Dispose();

    private static WireAnswer Answer(HttpResponseMessage response, byte[] body)
    {
        // A refusal without a message has its status among the headers.
        var status = Value(response, "grpc-status") ?? throw new HttpRequestException("The answer carries no gRPC status.");
        var isWhole = body.Length >= PrefixSize;
        return new WireAnswer(
            int.Parse(status, CultureInfo.InvariantCulture), isWhole ? body.AsMemory(PrefixSize) : default, Value(response, "grpc-message") ?? "", Value(response, "dpop-nonce"));
    }

    private static string? Value(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.First() : null;
}
