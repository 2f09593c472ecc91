using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace AgentIdentity.Server.Http;

/// <summary>DID documents and logs where did:web and did:webvh look for them, and DID Resolution over HTTP.</summary>
internal static class DidEndpoints
{
    private const string DidType = "application/did+json";
    private const string LogType = "text/jsonl";
    private const string ResultType = "application/did-resolution";
    private const string IdentifiersPath = "/1.0/identifiers/";

    private const string RepresentationNotSupported = "REPRESENTATION_NOT_SUPPORTED";

    // What is offered, the first one to who does not say. Of these the last three are the document alone.
    private static readonly string[] Offers = [ResultType, "application/json", "application/did", DidType, "application/did+ld+json"];

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Map(IEndpointRouteBuilder routes, RegistryNode registry)
    {
        Serve(routes, "/.well-known/did.json", context => PublicEndpoints.Current(context, registry, () => DidDocumentReader.Read(registry, registry.Settings.Name.Did), DidType));
        Serve(routes, "/.well-known/did.jsonl", context => PublicEndpoints.Current(context, registry, () => registry.Dids.Read(registry.State.Founding!.RegistryId), LogType));
        Serve(routes, "/agents/{id}/did.json", context => OfAgent(context, registry, id => DidDocumentReader.Read(registry, id), DidType));
        Serve(routes, "/agents/{id}/did.jsonl", context => OfAgent(context, registry, registry.Dids.Read, LogType));
        Serve(routes, IdentifiersPath + "{**did}", context => Resolve(context, registry));
    }

    private static void Serve(IEndpointRouteBuilder routes, string path, Func<HttpContext, IResult> answer) =>
        routes.MapMethods(path, PublicEndpoints.Reads, answer).WithMetadata(new ServedOn(Listeners.Http));

    private static IResult OfAgent(HttpContext context, RegistryNode registry, Func<SubjectId, byte[]?> read, string type) =>
        SubjectId.TryParse(context.GetRouteValue("id") as string, out var agent) ? PublicEndpoints.Current(context, registry, () => read(agent), type) : Results.NotFound();

    private static IResult Resolve(HttpContext context, RegistryNode registry)
    {
        context.Response.Headers.CacheControl = PublicEndpoints.AskedEachTime;
        if (Accepted(context.Request.Headers.Accept) is not { } type)
            return Answer(DidResolution.Failed(RepresentationNotSupported, $"What is given is one of {string.Join(", ", Offers)}."), ResultType);
        var query = context.Request.Query;
        var wish = DidVersionWish.Read(query["versionId"], query["versionTime"], query["versionNumber"]);
        var resolved = registry.State.IsBootstrapped
            ? DidResolver.Resolve(registry, DidIn(context), wish)
            : DidResolution.Failed(DidResolution.NotFound, "This registry is not founded yet.");
        if (resolved.Document is { } document && type is not (ResultType or "application/json"))
            return Results.Text(document, type, statusCode: Status(resolved));
        return Answer(resolved, type == "application/json" ? type : ResultType);
    }

    private static IResult Answer(DidResolution resolved, string type) => Results.Text(resolved.ToJson().ToJsonString(Plain), type, statusCode: Status(resolved));

    private static int Status(DidResolution resolved) => resolved.Error switch
    {
        // With an older version's document in it as well: the DID has ended.
        null => resolved.IsDeactivated ? StatusCodes.Status410Gone : StatusCodes.Status200OK,
        DidResolution.InvalidDid or DidResolver.InvalidOptions => StatusCodes.Status400BadRequest,
        DidResolution.NotFound => StatusCodes.Status404NotFound,
        RepresentationNotSupported => StatusCodes.Status406NotAcceptable,
        DidResolver.MethodNotSupported or DidResolver.FeatureNotSupported => StatusCodes.Status501NotImplemented,
        var other => throw new InvalidOperationException($"No status for the error {other}."),
    };

    // A DID may hold %3A itself. Who escapes it for the path sends %253A, with or without colons escaped, and who does not sends %3A.
    // No DID of this registry holds %25, so a DID that does was escaped.
    private static string DidIn(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
        var raw = target[(target.IndexOf(IdentifiersPath, StringComparison.Ordinal) + IdentifiersPath.Length)..];
        return raw.StartsWith("did:", StringComparison.Ordinal) && !raw.Contains("%25", StringComparison.Ordinal) ? raw : Uri.UnescapeDataString(raw);
    }

    // RFC 9110, section 12.5.1: of the ranges that take a type in, the most specific one says how welcome it is, and what has weight 0 is not welcome at all.
    private static string? Accepted(StringValues accept)
    {
        if (accept.Count == 0)
            return Offers[0];
        if (!MediaTypeHeaderValue.TryParseList([.. accept.OfType<string>()], out var ranges))
            return null;
        return Offers.Select(offer => (Offer: offer, Range: RangeOf(offer, ranges))).Where(one => one.Range is { Quality: not 0 })
            .OrderByDescending(one => one.Range!.Quality ?? 1).ThenBy(one => Breadth(one.Range!)).ThenBy(one => ranges.IndexOf(one.Range!))
            .Select(one => one.Offer).FirstOrDefault();
    }

    private static MediaTypeHeaderValue? RangeOf(string offer, IList<MediaTypeHeaderValue> ranges) =>
        ranges.Where(range => Takes(range, offer)).MinBy(Breadth);

    // By itself IsSubsetOf takes application/did+json for application/json as well.
    private static bool Takes(MediaTypeHeaderValue range, string offer) => Breadth(range) == 0
        ? range.MediaType.Equals(offer, StringComparison.OrdinalIgnoreCase)
        : new MediaTypeHeaderValue(offer).IsSubsetOf(new MediaTypeHeaderValue(range.MediaType));

    private static int Breadth(MediaTypeHeaderValue range) => range.MatchesAllTypes ? 2 : range.MatchesAllSubTypes ? 1 : 0;
}
