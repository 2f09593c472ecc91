using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using V1 = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>
/// A connection to a registry. Given a key, it signs every call: an operator, auditor, enforcer or sponsor by the registered key, an agent by its own,
/// with its credential beside it if one is given. Refusals leave as <see cref="RegistryRefusedException"/>. Safe for all threads; call the Async methods.
/// </summary>
public sealed class RegistryConnection : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    // A connection that dies without a word (no power, a forgotten NAT entry) would else be given to each new call for a quarter of an hour. Asked for while a call is open, and nothing has come for so long.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(5);

    // The largest answer of a registry, so that none waits for room: behind one that did, Kestrel may never send the answer to a later call of the connection (dotnet/aspnetcore 53736).
    private const int StreamWindowBytes = 16 * 1024 * 1024;

    private readonly GrpcChannel _channel;
    private readonly GrpcChannel? _controlChannel;
    private readonly CallInvoker? _controlCalls;

    /// <summary>Opens nothing yet; the first call does.</summary>
    /// <param name="options">Where the registry is.</param>
    /// <param name="key">Signs the calls, and stays the caller's to dispose of. Null for calls that are open to anyone.</param>
    /// <param name="credentials">For an agent that shows its credential as well. A <see cref="CredentialKeeper"/> needs a connection without it.</param>
    /// <exception cref="ArgumentException">A URL is not one.</exception>
    public RegistryConnection(ConnectionOptions options, PrivateKey? key = null, CredentialSource? credentials = null)
    {
        if (!RegistryName.TryParse(options.PublicUrl, out var name, out var problem))
            throw new ArgumentException(problem, nameof(options));
        if (key is null && credentials is not null)
            throw new ArgumentException("A credential is shown with a proof, which needs the key.", nameof(key));
        Name = name;
        Clock = options.Clock;
        var proofs = key is null ? null : new ProofMaker(key, credentials, options.Clock);

        _channel = Open(options.GrpcUrl, options.TrustedCertificateFile);
        var memory = options.CheckpointFolder is { } folder ? new CheckpointMemory(folder, name.Origin, options.LogKey) : null;
        var calls = _channel.Intercept(Signing(_channel));
        Registry = new V1.Registry.RegistryClient(calls);
        Credentials = new V1.Credentials.CredentialsClient(calls);
        Ledger = new V1.Ledger.LedgerClient(calls);
        Access = new V1.Access.AccessClient(calls);
        if (options.ControlUrl is not { } controlUrl)
            return;
        _controlChannel = Open(controlUrl, options.TrustedCertificateFile);
        _controlCalls = _controlChannel.Intercept(Signing(_controlChannel));

        // One for each listener, since each gives out its own nonces.
        AgentCallInterceptor Signing(GrpcChannel channel) => new(proofs, name.PublicUrl, options.Deadline, namesRefusals: true) { Guard = Guarding(channel) };

        CheckpointGuard? Guarding(GrpcChannel channel) => memory is null
            ? null
            : new CheckpointGuard(new V1.Ledger.LedgerClient(channel.Intercept(new AgentCallInterceptor(null, name.PublicUrl, options.Deadline, namesRefusals: true))), memory, options.Clock);
    }

    /// <summary>The registry's name, and the names that follow from it.</summary>
    public RegistryName Name { get; }

    public V1.Registry.RegistryClient Registry { get; }

    public V1.Credentials.CredentialsClient Credentials { get; }

    public V1.Ledger.LedgerClient Ledger { get; }

    public V1.Access.AccessClient Access { get; }

    /// <exception cref="InvalidOperationException">No control URL was given.</exception>
    public V1.Control.ControlClient Control => new(ControlCalls);

    /// <summary>What responders ask, on the control listener.</summary>
    public V1.Questions.QuestionsClient Questions => new(ControlCalls);

    /// <exception cref="InvalidOperationException">No control URL was given.</exception>
    public V1.Admin.AdminClient Admin => new(ControlCalls);

    internal TimeProvider Clock { get; }

    private CallInvoker ControlCalls =>
        _controlCalls ?? throw new InvalidOperationException("This call goes to the control listener, and the connection was made without its URL.");

    public void Dispose()
    {
        _channel.Dispose();
        _controlChannel?.Dispose();
    }

    private static GrpcChannel Open(string url, string? trustedCertificateFile)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https") || address.PathAndQuery != "/")
            throw new ArgumentException($"http://HOST:PORT or https://HOST:PORT is expected; this is '{url}'.", nameof(url));
        var handler = TrustedCertificates.HandlerFor(trustedCertificateFile);
        (handler.ConnectTimeout, handler.EnableMultipleHttp2Connections) = (ConnectTimeout, true);
        handler.InitialHttp2StreamWindowSize = StreamWindowBytes;
        (handler.KeepAlivePingDelay, handler.KeepAlivePingTimeout, handler.KeepAlivePingPolicy) = (PingDelay, PingTimeout, HttpKeepAlivePingPolicy.WithActiveRequests);
        // Given the handler itself, the channel would keep connections of its own, and after an outage refuse calls for up to two minutes without a try.
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpClient = client, DisposeHttpClient = true });
    }
}
