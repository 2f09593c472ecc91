using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AgentIdentity.Client.Meeting;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Client.Tests.Meeting;

/// <summary>Two ends of one TLS connection name it alike, and the two sides of somebody between do not.</summary>
public sealed class MeetingChannelTests
{
    private const string Host = "agent.example";
    private static readonly SubjectId Alice = SubjectId.New(DateTimeOffset.UnixEpoch);
    private static readonly SubjectId Bob = SubjectId.New(DateTimeOffset.UnixEpoch);

    [Theory]
    [InlineData("SHA256", 32)]
    [InlineData("SHA384", 48)]
    [InlineData("SHA512", 64)]
    public async Task Both_ends_name_the_channel_by_the_servers_certificate_and_by_who_the_server_is(string algorithm, int length)
    {
        using var certificate = Certificate(new HashAlgorithmName(algorithm));
        await using var connection = await Connection.OpenAsync(certificate);
        var channel = MeetingChannel.Of(connection.Client, Alice, Bob);
        Assert.Equal(channel, MeetingChannel.Of(connection.Server, Bob, Alice));
        Assert.Equal("tls-server-end-point:", Encoding.ASCII.GetString(channel.AsSpan(0, 21)));
        Assert.Equal(CryptographicOperations.HashData(new HashAlgorithmName(algorithm), certificate.RawData), channel[21..^SubjectId.Size]);
        Assert.Equal(Bob, SubjectId.Read(channel.AsSpan(^SubjectId.Size..)));
        Assert.Equal(21 + length + SubjectId.Size, channel.Length);
    }

    [Fact]
    public async Task Whoever_stands_between_makes_two_channels_of_one()
    {
        using var genuine = Certificate(HashAlgorithmName.SHA256);
        using var own = Certificate(HashAlgorithmName.SHA256);
        await using var toServer = await Connection.OpenAsync(genuine);
        await using var toClient = await Connection.OpenAsync(own);
        Assert.NotEqual(MeetingChannel.Of(toClient.Client, Alice, Bob), MeetingChannel.Of(toServer.Server, Bob, Alice));
    }

    [Fact]
    public async Task Whoever_both_have_dialled_makes_two_channels_of_one_certificate()
    {
        using var own = Certificate(HashAlgorithmName.SHA256);
        await using var ofAlice = await Connection.OpenAsync(own);
        await using var ofBob = await Connection.OpenAsync(own);
        Assert.NotEqual(MeetingChannel.Of(ofAlice.Client, Alice, Bob), MeetingChannel.Of(ofBob.Client, Bob, Alice));
    }

    [Fact]
    public async Task Before_its_handshake_a_connection_is_no_channel()
    {
        await using var stream = new SslStream(new MemoryStream());
        Assert.Throws<InvalidOperationException>(() => MeetingChannel.Of(stream, Alice, Bob));
    }

    private static X509Certificate2 Certificate(HashAlgorithmName algorithm)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest("CN=" + Host, key, algorithm);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
    }

    /// <summary>A TLS connection over loopback, whose client trusts this certificate.</summary>
    private sealed record Connection(SslStream Client, SslStream Server) : IAsyncDisposable
    {
        public static async Task<Connection> OpenAsync(X509Certificate2 certificate)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var client = new TcpClient();
            var accepting = listener.AcceptTcpClientAsync();
            await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
            var connection = new Connection(new SslStream(client.GetStream()), new SslStream((await accepting).GetStream()));
            var trusting = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificate }, RevocationMode = X509RevocationMode.NoCheck };
            var options = new SslClientAuthenticationOptions { TargetHost = Host, CertificateChainPolicy = trusting };
            await Task.WhenAll(connection.Client.AuthenticateAsClientAsync(options), connection.Server.AuthenticateAsServerAsync(certificate));
            return connection;
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }
    }
}
