using System.Globalization;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Status;
using AgentIdentity.Registry.Witnessing;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Telemetry;
using AgentIdentity.Server.VcApi;
using Microsoft.Net.Http.Headers;

namespace AgentIdentity.Server.Http;

/// <summary>What the standards put on HTTP, and the probes. Everything here is public, and is not there before the genesis entry.</summary>
internal static class PublicEndpoints
{
    /// <summary>Whoever may read may ask whether there is anything to read.</summary>
    internal static readonly string[] Reads = [HttpMethods.Get, HttpMethods.Head];

    internal const string AskedEachTime = "no-cache";

    private const string JwksType = "application/jwk-set+json";
    private static readonly string CacheForTimeToLive = $"public, max-age={StatusListFormat.TimeToLive.TotalSeconds}";
    private const string TextType = "text/plain; charset=utf-8";

    public static void Map(IEndpointRouteBuilder routes, RegistryNode registry, PrometheusText metrics, TimeProvider clock)
    {
        var name = registry.Settings.Name;
        DidEndpoints.Map(routes, registry);
        routes.Serve("/.well-known/jwks.json", context => Current(context, registry, () => DidDocuments.Jwks(name, registry.State.PublishedIssuerKeys), JwksType));
        routes.Serve("/status/{number}", (context, number) => StatusList(context, registry, number, list => list.Token, StatusListFormat.TokenListMediaType));
        routes.Serve("/status/{number}/bitstring", (context, number) => StatusList(context, registry, number, list => list.Bitstring, StatusListFormat.BitstringMediaType));
        LogEndpoints.Map(routes, registry);
        if (registry.Settings.Dev)
            VcApiEndpoints.Map(routes, registry, clock);
        WitnessEndpoints.Map(routes, registry);
        routes.Serve("/health/live", () => Results.Text("live\n", TextType));
        routes.Serve("/health/ready", () => Ready(registry));
        routes.MapGet("/metrics", () => Results.Text(metrics.Write(), "text/plain; version=0.0.4; charset=utf-8")).WithMetadata(new ServedOn(Listeners.Console));
    }

    /// <summary>Resolvers and verifiers in browsers read from everywhere: nothing on this listener is for some and not for others.</summary>
    public static Task ForAllOrigins(HttpContext context, RequestDelegate next)
    {
        if (context.Listener() == Listeners.Http)
            context.Response.Headers.AccessControlAllowOrigin = "*";
        return next(context);
    }

    private static void Serve(this IEndpointRouteBuilder routes, string path, Func<IResult> answer) =>
        routes.MapMethods(path, Reads, answer).WithMetadata(new ServedOn(Listeners.Http));

    private static void Serve(this IEndpointRouteBuilder routes, string path, Func<HttpContext, IResult> answer) =>
        routes.MapMethods(path, Reads, answer).WithMetadata(new ServedOn(Listeners.Http));

    private static void Serve(this IEndpointRouteBuilder routes, string path, Func<HttpContext, string, IResult> answer) =>
        routes.MapMethods(path, Reads, answer).WithMetadata(new ServedOn(Listeners.Http));

    private static IResult StatusList(HttpContext context, RegistryNode registry, string number, Func<StatusList, byte[]> form, string type)
    {
        // One spelling of each list: a second one would be a second entry of every cache.
        if (!ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var list) || number != list.ToString(CultureInfo.InvariantCulture)
            || registry.StatusLists.Find(list) is not { } found)
            return Results.Text("no such status list\n", TextType, statusCode: StatusCodes.Status404NotFound);
        // Who asks for an earlier list must not take today's for it (Token Status List, "Historical resolution").
        if (context.Request.Query.ContainsKey("time"))
            return Results.Text("lists of other times are not kept\n", TextType, statusCode: StatusCodes.Status501NotImplemented);
        context.Response.Headers.CacheControl = CacheForTimeToLive;
        return Results.Bytes(form(found), type);
    }

    private static IResult Ready(RegistryNode registry)
    {
        var problem = registry.Standing.Everyone switch { Refusal.None => null, Refusal.RolledBack => "rolled back", _ => "halted" }
            ?? (registry.State.IsBootstrapped ? null : "not bootstrapped")
            ?? (registry.Anchors?.Contradiction is { } contradiction ? $"nothing is signed: {contradiction}" : null);
        return problem is null ? Results.Text("ready\n" + WitnessLine(registry), TextType) : Results.Text(problem + "\n", TextType, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    // A registry without its quorum goes on, and whoever looks is told.
    private static string WitnessLine(RegistryNode registry)
    {
        if (registry.Cosigning is not { } cosigning)
            return "";
        var troubled = cosigning.Witnesses.Where(witness => witness.Report.Problem != WitnessProblem.None).Select(witness => $" {witness.Witness.Name} {ToWire.Name(witness.Report.Problem)}");
        var quorum = cosigning.IsHolding ? "not asked yet, no checkpoint is signed:" : cosigning.HasQuorum ? "quorum" : "no quorum";
        return $"witnesses {quorum}{string.Concat(troubled)}\n";
    }

    /// <summary>What names keys, as it is now: a cache asks each time whether it still is, since a key may have been replaced, or its owner revoked, a moment ago.</summary>
    internal static IResult Current(HttpContext context, RegistryNode registry, Func<byte[]?> read, string type)
    {
        context.Response.Headers.CacheControl = AskedEachTime;
        return registry.State.IsBootstrapped && read() is { } bytes ? Results.Bytes(bytes, type, entityTag: new EntityTagHeaderValue($"\"{Sha256.Hash(bytes).ToBase64Url()}\"")) : Results.NotFound();
    }
}
