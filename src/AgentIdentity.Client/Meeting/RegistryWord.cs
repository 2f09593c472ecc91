using System.Text;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Client.Meeting;

/// <summary>What a registry says to everybody, fetched when somebody needs it: its keys, and the status list of a credential. Nothing that anybody sends says where it is fetched. Safe for all threads.</summary>
internal sealed class RegistryWord : IDisposable
{
    // A list has 64 KiB at most, and a document 300 bytes for each key.
    private const int AnswerBytesMax = 256 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // A list is made anew each quarter of a minute, so one that is handed out is at most 25 s old while the registry is there.
    private static readonly TimeSpan ListsServe = TimeSpan.FromSeconds(10);

    // A key that is stopped is published no more; one that is new is looked for as soon as something seems to be signed by nobody, but not as often as somebody sends such things.
    private static readonly TimeSpan KeysServe = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeysPause = TimeSpan.FromSeconds(10);

    // While the registry is away: as long as a credential lives.
    private static readonly TimeSpan KeysLife = TimeSpan.FromMinutes(15);

    private readonly RegistryName _registry;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http;
    private readonly Kept<PublishedKeys> _keys;

    // Replaced when a credential has its place in another list.
    private volatile NumberedList _list;

    /// <param name="options">Where the registry is.</param>
    /// <param name="inner">Sends the requests.</param>
    /// <exception cref="ArgumentException">A URL is not one, has a path, or goes in the open to another machine.</exception>
    public RegistryWord(ConnectionOptions options, HttpMessageHandler inner)
    {
        if (!RegistryName.TryParse(options.PublicUrl, out var registry, out var problem))
            throw new ArgumentException(problem, nameof(options));
        var at = options.HttpUrl ?? registry.PublicUrl;
        // Whoever can change the keys on their way is everybody's friend.
        if (!Uri.TryCreate(at, UriKind.Absolute, out var url) || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) || url.PathAndQuery != "/")
            throw new ArgumentException($"https://HOST:PORT is expected, or http on this machine; this is '{at}'.", nameof(options));
        (_registry, _clock) = (registry, options.Clock);
        _http = new HttpClient(inner) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = AnswerBytesMax };
        _keys = new Kept<PublishedKeys>(FetchKeysAsync, KeysLife, Patience, options.Clock, BootClock.System);
        _list = ListOf(0);
    }

    /// <summary>Whose word it is.</summary>
    public RegistryName Registry => _registry;

    /// <summary>A key that signs credentials, of those that are held.</summary>
    public PublicKey? Find(KeyId id) => _keys.Current?.Find(id);

    /// <summary>Judges with the registry's keys, and once more with younger ones if there are any: what a new key has signed looks as if nobody had.</summary>
    public async ValueTask<Refusal> JudgeAsync(Func<Refusal> judge, CancellationToken cancellationToken)
    {
        if (await _keys.GetAsync(KeysServe, cancellationToken).ConfigureAwait(false) is not { } keys)
            return Refusal.RegistryUnheard;
        var refusal = judge();
        return refusal is Refusal.CredentialInvalid or Refusal.StatusListInvalid && await _keys.GetAsync(KeysPause, cancellationToken).ConfigureAwait(false) != keys ? judge() : refusal;
    }

    /// <summary>The status list that a credential of the caller's own names, checked.</summary>
    public async ValueTask<(Refusal Refusal, string StatusList)> ListOfAsync(string credential, CancellationToken cancellationToken)
    {
        PresentedCredential? own = null;
        var refusal = await JudgeAsync(() => PresentedCredential.Read(credential, _registry, Find, out own), cancellationToken).ConfigureAwait(false);
        if (refusal != Refusal.None)
            return (refusal, "");
        var number = StatusPlace.Of(own!.Claims.StatusIndex).List;
        if (await NumberedAs(number).Text.GetAsync(ListsServe, cancellationToken).ConfigureAwait(false) is not { } list)
            return (Refusal.RegistryUnheard, "");
        refusal = await JudgeAsync(() => new StatusListReader(_registry, Find).ReadTokenList(list, number, _clock.GetUtcNow(), out _), cancellationToken).ConfigureAwait(false);
        return (refusal, list);
    }

    public void Dispose() => _http.Dispose();

    private NumberedList NumberedAs(ulong number)
    {
        var list = _list;
        return list.Number == number ? list : _list = ListOf(number);
    }

    private NumberedList ListOf(ulong number) => new(number, new Kept<string>(
        async cancellationToken => await FetchAsync($"/status/{number}", cancellationToken).ConfigureAwait(false) is { } list ? Encoding.UTF8.GetString(list) : null, StatusListFormat.Life, Patience, _clock, BootClock.System));

    private async Task<PublishedKeys?> FetchKeysAsync(CancellationToken cancellationToken) =>
        await FetchAsync("/.well-known/did.json", cancellationToken).ConfigureAwait(false) is { } document && PublishedKeys.TryOfDidDocument(document, _registry, out var keys) ? keys : null;

    private async Task<byte[]?> FetchAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.GetByteArrayAsync(new Uri(path, UriKind.Relative), cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException)
        {
            // Nobody answered, or with something else, or with more than is read.
            return null;
        }
        catch (OperationCanceledException)
        {
            // Not within the time, or the end of this.
            return null;
        }
    }

    private sealed record NumberedList(ulong Number, Kept<string> Text);
}
