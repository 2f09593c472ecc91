using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using Google.Rpc;
using GrpcStatus = Grpc.Core.StatusCode;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>How a call ended: the status, the stable reason if there is one, and the nonce that came with it.</summary>
public sealed record RawAnswer(GrpcStatus? Status, string Reason, string? Nonce, string Detail, HttpStatusCode Http);

/// <summary>Unary gRPC calls made of bytes, so that what no client would send can be sent.</summary>
public sealed class RawCaller(string url, string publicUrl, PrivateKey? key = null, SslClientAuthenticationOptions? tls = null) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { EnableMultipleHttp2Connections = true, SslOptions = tls ?? new() }) { Timeout = TimeSpan.FromSeconds(60) };
    private string? _nonce;

    /// <summary>Shown beside the proof; null: none.</summary>
    public string? Credential { get; init; }

    /// <summary>Sends one message in its frame, signed when there is a key, and once more when a nonce is asked for.</summary>
    public async Task<RawAnswer> SendAsync(string method, byte[] message, Action<HttpRequestMessage>? change = null)
    {
        var answer = await SendOnceAsync(method, message, change);
        if (key is null || answer.Reason != "USE_DPOP_NONCE")
            return answer;
        _nonce = answer.Nonce;
        return await SendOnceAsync(method, message, change);
    }

    public static byte[] Framed(byte[] message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    public string Proof(string method, byte[] message, string? nonce, string? credentialHash = null) => KeyProof.Create(
        key!, new RequestBinding("POST", publicUrl + method, nonce, credentialHash, Sha256.Hash(message).ToBase64Url()), TimeProvider.System.GetUtcNow());

    public void Dispose() => _client.Dispose();

    /// <summary>The messages of a stream, of which the first is signed.</summary>
    public static HttpContent Stream(IEnumerable<byte[]> messages) =>
        new ByteArrayContent([.. messages.SelectMany(Framed)]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };

    private async Task<RawAnswer> SendOnceAsync(string method, byte[] message, Action<HttpRequestMessage>? change)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url + method) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent(Framed(message));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.Add("grpc-timeout", "20S");
        if (Credential is not null)
            request.Headers.Add("authorization", $"DPoP {Credential}");
        if (key is not null)
            request.Headers.Add("dpop", Proof(method, message, _nonce, Credential is null ? null : Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(Credential)).ToBase64Url()));
        change?.Invoke(request);
        using var response = await _client.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        return Read(response);
    }

    private static RawAnswer Read(HttpResponseMessage response)
    {
        string? Find(string name) => response.TrailingHeaders.TryGetValues(name, out var trailing) ? trailing.First()
            : response.Headers.TryGetValues(name, out var leading) ? leading.First() : null;

        var status = Find("grpc-status") is { } number ? (GrpcStatus?)int.Parse(number) : null;
        return new RawAnswer(status, Reason(Find("grpc-status-details-bin")), Find("dpop-nonce"), Find("grpc-message") ?? "", response.StatusCode);
    }

    private static string Reason(string? details)
    {
        if (details is null)
            return "";
        var status = Status.Parser.ParseFrom(Convert.FromBase64String(details + new string('=', (4 - (details.Length % 4)) % 4)));
        var info = status.Details.Single(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>();
        Assert.Equal("agentidentity.v1", info.Domain);
        return info.Reason;
    }
}
