using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>
/// Shows an agent's credential, with a key proof, to the tools that an <see cref="HttpClient"/> calls. Learns each tool's nonces from its answers, and
/// sends a request a second time when the tool asks for another nonce.
/// </summary>
/// <remarks>Whoever is called sees the credential, and can do nothing with it without the key. A body is held in memory, since it may have to be sent twice.</remarks>
public sealed class AgentHttpHandler : DelegatingHandler
{
    private const string Scheme = "DPoP";
    private const string NonceName = "DPoP-Nonce";

    // More tools than an agent has; when they are more, nonces are learnt anew, which costs one request each.
    private const int OriginsMax = 1000;

    private readonly ProofMaker _proofs;
    private readonly ConcurrentDictionary<string, string> _nonces = new(StringComparer.Ordinal);

    /// <param name="key">The agent's key.</param>
    /// <param name="credentials">Gives the agent's credential.</param>
    /// <param name="inner">Sends the requests. It should not follow redirects: a proof is for one URL, and none is made for where a tool sends the agent on to another. Null for one that does not.</param>
    /// <param name="clock">Tells the time that proofs claim.</param>
    public AgentHttpHandler(PrivateKey key, CredentialSource credentials, HttpMessageHandler? inner = null, TimeProvider? clock = null)
        : this(new ProofMaker(key, credentials, clock ?? TimeProvider.System), inner)
    {
    }

    /// <summary>For an agent whose key may be rotated while it calls.</summary>
    /// <param name="identities">Gives the agent's key and credential.</param>
    /// <param name="inner">Sends the requests, as above.</param>
    /// <param name="clock">Tells the time that proofs claim.</param>
    public AgentHttpHandler(HeldIdentitySource identities, HttpMessageHandler? inner = null, TimeProvider? clock = null)
        : this(new ProofMaker(identities, clock ?? TimeProvider.System), inner)
    {
    }

    private AgentHttpHandler(ProofMaker proofs, HttpMessageHandler? inner)
        : base(inner ?? new SocketsHttpHandler { AllowAutoRedirect = false }) => _proofs = proofs;

    /// <summary>Whether each proof covers the request's body as well, as tools demand for what cannot be undone. An empty body is one.</summary>
    public bool SignsBodies { get; init; }

    /// <summary>Not served: a proof may have to wait for a credential.</summary>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The request is signed, which cannot be done while blocking: use SendAsync.");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // A stream can be read once; what may be sent twice must be kept.
        if (request.Content is { } content)
            await content.LoadIntoBufferAsync(cancellationToken).ConfigureAwait(false);

        var asked = request.RequestUri;
        var response = await SendSignedAsync(request, cancellationToken).ConfigureAwait(false);
        // The handler within may have followed a redirect, which changes the request: what one tool has chosen is not signed for another.
        if (!AsksForNonce(response) || OriginOf(request.RequestUri!) != OriginOf(asked!))
            return response;
        response.Dispose();
        return await SendSignedAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendSignedAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var target = request.RequestUri ?? throw new InvalidOperationException("A request needs a URL.");
        var origin = OriginOf(target);
        var nonce = _nonces.GetValueOrDefault(origin);
        var signed = await _proofs.MakeAsync(request.Method.Method, origin + target.AbsolutePath, nonce, await BodyHashAsync(request.Content, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        request.Headers.Authorization = new AuthenticationHeaderValue(Scheme, signed.Credential);
        request.Headers.Remove(Scheme);
        request.Headers.Add(Scheme, signed.Proof);

        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (NonceOf(response) is { } given)
            Learn(OriginOf(request.RequestUri!), given);
        return response;
    }

    // As it is sent: the host as DNS knows it, and nothing of a name or password before it. A web socket begins as a request over HTTP.
    private static string OriginOf(Uri target)
    {
        var scheme = target.Scheme switch { "ws" => "http", "wss" => "https", var other => other };
        var host = target.HostNameType == UriHostNameType.IPv6 ? target.Host : target.IdnHost;
        return target.IsDefaultPort ? $"{scheme}://{host}" : $"{scheme}://{host}:{target.Port}";
    }

    private async ValueTask<string?> BodyHashAsync(HttpContent? content, CancellationToken cancellationToken)
    {
        if (!SignsBodies)
            return null;
        return Sha256.Hash(content is null ? [] : await content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false)).ToBase64Url();
    }

    private void Learn(string origin, string nonce)
    {
        if (_nonces.Count >= OriginsMax)
            _nonces.Clear();
        _nonces[origin] = nonce;
    }

    private static bool AsksForNonce(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.Unauthorized && NonceOf(response) is not null
        && response.Headers.WwwAuthenticate.Any(challenge =>
            challenge.Scheme.Equals(Scheme, StringComparison.OrdinalIgnoreCase)
            && challenge.Parameter?.Contains("error=\"use_dpop_nonce\"", StringComparison.Ordinal) == true);

    private static string? NonceOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(NonceName, out var values) ? values.FirstOrDefault() : null;
}
