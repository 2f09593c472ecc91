using System.Text.Json;
using System.Text.Json.Serialization;
using AgentIdentity.Registry.Attesting;
using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Hosting;

/// <summary>Whose evidence counts: what the file of <c>--evidence</c> names, its keys read again each minute. docs/operations.md, "Evidence".</summary>
internal sealed class EvidenceSources : IAsyncDisposable
{
    private const int BytesMax = 1 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        PropertyNameCaseInsensitive = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
    };

    private static readonly Dictionary<string, string> NoLabels = [];

    private readonly string _folder;
    private readonly Named _named;
    private readonly Action<string> _log;
    private readonly CancellationTokenSource _end = new();

    // No proxy, no redirects: nobody whom the settings do not name.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = Patience, MaxResponseContentBufferSize = BytesMax };
    private readonly Task _work;

    // Replaced as a whole by the worker.
    private volatile EvidenceTrust _current;

    private EvidenceSources(string folder, Named named, TimeProvider clock, Action<string> log)
    {
        (_folder, _named, _log) = (folder, named, log);
        _current = new EvidenceTrust([.. named.Issuers.Select(issuer => Read(issuer, null))], [.. named.TrustDomains.Select(domain => Read(domain, null)).OfType<SpiffeBundle>()]);
        _work = Task.Run(() => WorkAsync(clock));
    }

    public EvidenceTrust Current => _current;

    /// <summary>Reads the file and what it names on this machine. What it names elsewhere is fetched soon, and until then nobody is believed by it.</summary>
    /// <exception cref="OptionsRefusedException">The file, or one that it names, cannot be read as what it must be.</exception>
    public static EvidenceSources Open(string path, TimeProvider clock, Action<string> log)
    {
        try
        {
            var named = JsonSerializer.Deserialize<Named>(File.ReadAllBytes(path), Strict) ?? throw new InvalidDataException("null is no setting.");
            // The serializer asks whether a list is null, and not whether something in it is.
            if (named.Issuers.Contains(null!) || named.TrustDomains.Contains(null!) || named.Issuers.SelectMany(issuer => issuer.Labels ?? NoLabels).Any(label => label.Value is null))
                throw new InvalidDataException("null is no issuer, no trust domain and no claim.");
            if (named.Issuers.SelectMany(issuer => issuer.Labels ?? NoLabels).Any(label => label.Key.Length is 0 or > 100 || label.Key.Contains('=', StringComparison.Ordinal)))
                throw new InvalidDataException("The name of a label is 1 to 100 characters without '='.");
            return new EvidenceSources(Path.GetDirectoryName(Path.GetFullPath(path))!, named, clock, log);
        }
        catch (JsonException refused)
        {
            // Its own words name types of this program.
            throw new OptionsRefusedException($"--evidence {path} cannot be used: line {refused.LineNumber + 1}, at {refused.Path}, is not what docs/operations.md, \"Evidence\", has there.");
        }
        // The last is what an empty path is, or one with a zero in it.
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            throw new OptionsRefusedException($"--evidence {path} cannot be used: {refused.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _work;
        _http.Dispose();
        _end.Dispose();
    }

    private async Task WorkAsync(TimeProvider clock)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            do
                await ReadAgainAsync();
            while (await timer.WaitForNextTickAsync(_end.Token));
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
        }
    }

    // One that cannot be read now keeps the keys that it had.
    private async Task ReadAgainAsync()
    {
        var before = _current;
        var issuers = new List<OidcIssuer>();
        foreach (var (place, issuer) in _named.Issuers.Index())
            issuers.Add(await TryAsync(issuer.Jwks, text => Read(issuer, text)) ?? before.Issuers[place]);
        var bundles = new List<SpiffeBundle?>();
        foreach (var domain in _named.TrustDomains)
            bundles.Add(await TryAsync(domain.Bundle, text => Read(domain, text)) ?? before.Bundles.FirstOrDefault(bundle => bundle.TrustDomain == domain.Name));
        _current = new EvidenceTrust(issuers, [.. bundles.OfType<SpiffeBundle>()]);
    }

    private async Task<T?> TryAsync<T>(string place, Func<string?, T?> read)
        where T : class
    {
        try
        {
            return read(Remote(place) is { } url ? await _http.GetStringAsync(url, _end.Token) : null);
        }
        // Whatever was wrong with one answer, the next one is asked for.
        catch (Exception failure) when (!_end.IsCancellationRequested)
        {
            _log($"Keys for evidence cannot be read from {place}; those that were read before stay: {failure.Message}");
            return null;
        }
    }

    private OidcIssuer Read(NamedIssuer issuer, string? text)
    {
        text ??= ReadFile(issuer.Jwks);
        var keys = text is null ? VerificationKeys.None
            : VerificationKeys.TryParse(text, "sig", out var read) ? read : throw new InvalidDataException($"{issuer.Jwks} is no JSON Web Key Set of public keys.");
        return new OidcIssuer(issuer.Issuer, keys, [.. issuer.Labels ?? NoLabels]);
    }

    private SpiffeBundle? Read(NamedDomain domain, string? text)
    {
        text ??= ReadFile(domain.Bundle);
        return text is null ? null : SpiffeBundle.TryParse(domain.Name, text, out var bundle) ? bundle : throw new InvalidDataException($"{domain.Bundle} is no SPIFFE bundle of a trust domain '{domain.Name}'.");
    }

    // Null for what is elsewhere.
    private string? ReadFile(string place)
    {
        if (Remote(place) is not null)
            return null;
        var path = Path.Combine(_folder, place);
        // The length of what was opened: of a link, as secrets are mounted, the file's own is that of the link.
        using var text = new StreamReader(path);
        return text.BaseStream.Length <= BytesMax ? text.ReadToEnd() : throw new InvalidDataException($"{path} is longer than {BytesMax} bytes.");
    }

    // Whoever can change keys on their way can enrol anybody, so it is TLS or this machine.
    private static Uri? Remote(string place)
    {
        if (!place.Contains("://", StringComparison.Ordinal))
            return null;
        return Uri.TryCreate(place, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            ? url
            : throw new InvalidDataException($"{place} is neither a file nor an https URL.");
    }

    private sealed record Named(IReadOnlyList<NamedIssuer> Issuers, IReadOnlyList<NamedDomain> TrustDomains);

    private sealed record NamedIssuer(string Issuer, string Jwks, IReadOnlyDictionary<string, string>? Labels = null);

    private sealed record NamedDomain(string Name, string Bundle);
}
