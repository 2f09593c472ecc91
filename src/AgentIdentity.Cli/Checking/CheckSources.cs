using System.CommandLine;
using System.Net;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Status;

namespace AgentIdentity.Cli.Checking;

/// <summary>Where a check takes the registry's keys and status lists from: files, and then nothing is fetched from anywhere; or, when none is named, the registry's HTTP listener.</summary>
internal static class CheckSources
{
    private const int AnswerBytesMax = 1 << 20;

    public static readonly Option<string> Jwks = new("--jwks") { HelpName = "FILE", Description = "Offline: the registry's JWK set, for a credential that is a token." };
    public static readonly Option<string> DidDocument = new("--did-document") { HelpName = "FILE", Description = "Offline: the registry's DID document." };
    public static readonly Option<string> DidLog = new("--did-log") { HelpName = "FILE", Description = "Offline: the registry's did:webvh log, did.jsonl." };
    public static readonly Option<string> StatusList = new("--status-list") { HelpName = "FILE", Description = "Offline: the status list that the credential names, in either form." };

    public static async Task<CredentialCheck> CheckAsync(Invocation run, string credential, string? audience, CancellationToken cancellationToken)
    {
        var now = run.Clock.GetUtcNow();
        if (Named(run) is { } keys)
        {
            // No token is signed with the keys for embedded proofs, so that the set for tokens has none of them.
            if (credential.StartsWith('{') && credential.Contains("\"proof\"", StringComparison.Ordinal) && run.Find(Jwks) is not null)
                throw Failure.Usage($"{Jwks.Name} is for a credential that is a token; this one is a document.", $"Give {DidDocument.Name} or {DidLog.Name}.");
            var check = CredentialCheck.Of(credential, run.Registry, keys, audience, now);
            return run.Find(StatusList) is { } file ? check.Under(System.Text.Encoding.UTF8.GetString(InputText.ReadBytes(file, AnswerBytesMax)).Trim(), run.Registry, keys, now) : check;
        }
        if (run.Find(StatusList) is not null)
            throw Failure.Usage($"{StatusList.Name} is for checks offline.", $"Name the keys too: {Jwks.Name}, {DidDocument.Name} or {DidLog.Name}.");
        return await CheckOnlineAsync(run, credential, audience, now, cancellationToken);
    }

    private static PublishedKeys? Named(Invocation run)
    {
        var named = new[] { Jwks, DidDocument, DidLog }.Where(option => run.Find(option) is not null).ToArray();
        if (named.Length > 1)
            throw Failure.Usage($"{named[0].Name} and {named[1].Name} are two sources of keys.", "Name one.");
        if (named.Length == 0)
            return null;
        var file = run.Find(named[0])!;
        var content = InputText.ReadBytes(file, named[0] == DidLog ? Trails.DidLogText.BytesMax : AnswerBytesMax);
        if (named[0] == Jwks)
            return IssuerKeys.OfJwks(content, file);
        return named[0] == DidDocument ? IssuerKeys.OfDidDocumentFile(content, run.Registry, file) : IssuerKeys.OfDidLog(content, run.Registry, file, run.Clock.GetUtcNow());
    }

    private static async Task<CredentialCheck> CheckOnlineAsync(Invocation run, string credential, string? audience, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var at = run.HttpListener;
        using var http = run.OpenHttp(AnswerBytesMax, TimeSpan.FromSeconds(10));
        var keys = IssuerKeys.OfDidDocument(await FetchAsync(http, $"{at}/.well-known/did.json", cancellationToken), run.Registry, at);
        var check = CredentialCheck.Of(credential, run.Registry, keys, audience, now);
        if (!check.IsGood)
            return check;
        var list = await FetchAsync(http, $"{at}/status/{StatusPlace.Of(check.Credential!.Claims.StatusIndex).List}", cancellationToken);
        return check.Under(System.Text.Encoding.UTF8.GetString(list), run.Registry, keys, now);
    }

    private static async Task<byte[]> FetchAsync(HttpClient http, string url, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(url, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            throw Failure.Refused($"There is nothing at {url}.", "Has the registry been founded, and is it the one that issued the credential?");
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }
}
