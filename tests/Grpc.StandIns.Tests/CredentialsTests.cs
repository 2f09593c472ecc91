using Grpc.Core;

namespace Grpc.StandIns.Tests;

public sealed class CredentialsTests
{
    private static readonly CallCredentials Token = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);

    [Fact]
    public void Channel_credentials_tell_a_transport_what_they_are_made_of()
    {
        var pair = new KeyCertificatePair("chain", "key");
        VerifyPeerCallback verify = _ => true;
        Assert.Equal(["insecure"], Parts(ChannelCredentials.Insecure));
        Assert.Equal(["ssl", null, null, null], Parts(ChannelCredentials.SecureSsl));
        Assert.Equal(["ssl", "roots", pair, verify], Parts(new SslCredentials("roots", pair, verify)));
        Assert.Equal(["composite", ChannelCredentials.SecureSsl, Token], Parts(ChannelCredentials.Create(ChannelCredentials.SecureSsl, Token)));
    }

    [Fact]
    public void Call_credentials_may_be_put_on_an_insecure_channel_since_the_transport_decides() =>
        Assert.Equal(["composite", ChannelCredentials.Insecure, Token], Parts(ChannelCredentials.Create(ChannelCredentials.Insecure, Token)));

    [Fact]
    public void Call_credentials_tell_a_transport_what_they_are_made_of()
    {
        AsyncAuthInterceptor interceptor = (_, _) => Task.CompletedTask;
        var one = CallCredentials.FromInterceptor(interceptor);
        Assert.Equal([interceptor], Parts(one));
        Assert.Equal([one, Token], Parts(CallCredentials.Compose(one, Token)));
    }

    [Fact]
    public void A_composition_takes_two_and_no_nulls()
    {
        Assert.Throws<ArgumentException>(() => CallCredentials.Compose(Token));
        Assert.Throws<ArgumentNullException>(() => CallCredentials.FromInterceptor(null!));
        Assert.Throws<ArgumentNullException>(() => ChannelCredentials.Create(null!, Token));
        Assert.Throws<ArgumentNullException>(() => ChannelCredentials.Create(ChannelCredentials.Insecure, null!));
        Assert.Throws<ArgumentNullException>(() => new KeyCertificatePair(null!, "key"));
        Assert.Throws<ArgumentNullException>(() => new KeyCertificatePair("chain", null!));
    }

    [Fact]
    public void An_interceptor_learns_which_call_it_is_asked_for()
    {
        using var source = new CancellationTokenSource();
        var context = new AuthInterceptorContext("https://host/package.Service", "Method", source.Token);
        Assert.Equal(("https://host/package.Service", "Method", source.Token), (context.ServiceUrl, context.MethodName, context.CancellationToken));
        Assert.Equal(CancellationToken.None, new AuthInterceptorContext("url", "method").CancellationToken);
    }

    [Fact]
    public void The_peer_is_authenticated_when_a_property_identifies_it()
    {
        var name = AuthProperty.Create("x509_common_name", "agent-7"u8.ToArray());
        var context = new AuthContext("x509_common_name", new() { ["x509_common_name"] = [name], ["other"] = [AuthProperty.Create("other", [1])] });
        Assert.True(context.IsPeerAuthenticated);
        Assert.Equal([name], context.PeerIdentity);
        Assert.Equal("agent-7", name.Value);
        Assert.Equal(2, context.Properties.Count());
        Assert.Equal([1], context.FindPropertiesByName("other").Single().ValueBytes);
        Assert.Empty(context.FindPropertiesByName("absent"));
    }

    [Fact]
    public void A_peer_without_identity_is_not_authenticated()
    {
        var context = new AuthContext(null, []);
        Assert.False(context.IsPeerAuthenticated);
        Assert.Empty(context.PeerIdentity);
    }

    [Fact]
    public void The_bytes_of_a_property_are_copied_on_the_way_in_and_out()
    {
        byte[] bytes = [1, 2];
        var property = AuthProperty.Create("name", bytes);
        bytes[0] = 9;
        property.ValueBytes[1] = 9;
        Assert.Equal([1, 2], property.ValueBytes);
    }

    private static object?[] Parts(ChannelCredentials credentials)
    {
        var parts = new ChannelParts();
        credentials.InternalPopulateConfiguration(parts, parts);
        return parts.Seen;
    }

    private static object[] Parts(CallCredentials credentials)
    {
        var parts = new CallParts();
        credentials.InternalPopulateConfiguration(parts, parts);
        return parts.Seen;
    }

    private sealed class ChannelParts : ChannelCredentialsConfiguratorBase
    {
        public object?[] Seen { get; private set; } = [];

        public override void SetInsecureCredentials(object state) => See(state, "insecure");

        public override void SetSslCredentials(
            object state, string? rootCertificates, KeyCertificatePair? keyCertificatePair, VerifyPeerCallback? verifyPeerCallback) =>
            See(state, "ssl", rootCertificates, keyCertificatePair, verifyPeerCallback);

        public override void SetCompositeCredentials(object state, ChannelCredentials channelCredentials, CallCredentials callCredentials) =>
            See(state, "composite", channelCredentials, callCredentials);

        private void See(object state, params object?[] parts)
        {
            Assert.Same(this, state);
            Seen = parts;
        }
    }

    private sealed class CallParts : CallCredentialsConfiguratorBase
    {
        public object[] Seen { get; private set; } = [];

        public override void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials)
        {
            Assert.Same(this, state);
            Seen = [.. credentials];
        }

        public override void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor)
        {
            Assert.Same(this, state);
            Seen = [interceptor];
        }
    }
}
