using System.Buffers;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.Http;

/// <summary>The log as C2SP tlog-tiles lays it out: the key, the checkpoint, the tiles and the bundles of public leaves that the checkpoint covers.</summary>
internal static class LogEndpoints
{
    private const string TextType = "text/plain; charset=utf-8";
    private const string BytesType = "application/octet-stream";
    private const string CacheForEver = "public, max-age=31536000, immutable";

    // A new one may come each second.
    private const string CacheForASecond = "max-age=1";

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes, RegistryNode registry)
    {
        // Which logs there are is fixed for as long as the process runs: a successor is opened while nobody serves.
        for (var number = 1; number <= Math.Max(1, registry.State.Logs.Count); number++)
            Map(routes, registry, number);
    }

    private static void Map(IEndpointRouteBuilder routes, RegistryNode registry, int number)
    {
        var prefix = LogOrigin.Of("", number);
        routes.Serve(prefix + "/log-key", _ => registry.State.IsBootstrapped ? Results.Text(registry.State.Logs[number - 1].Verifier + "\n", TextType) : Results.NotFound());
        routes.Serve(prefix + "/checkpoint", context => registry.PublishedLog.CheckpointOf(number) is { } note ? Text(context, note) : Results.NotFound());
        routes.Serve(prefix + "/tile/{**rest}", context =>
            registry.PublishedLog.Of(number) is { } tree && Read(tree, context.Request.Path.Value![prefix.Length..]) is { } bytes ? Bytes(context, bytes) : Results.NotFound());
    }

    private static void Serve(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, IResult> answer) =>
        routes.MapMethods(pattern, Methods, answer).WithMetadata(new ServedOn(Listeners.Http));

    // The path has one spelling, which the parsers know; what they refuse, and what the checkpoint does not cover, is not there.
    private static ReadOnlyMemory<byte>? Read(SignedTree tree, string path)
    {
        if (Tile.TryParsePath(path.AsSpan(1), out var tile, out var width))
            return tree.ReadTile(tile, width);
        return Tile.TryParseEntriesPath(path.AsSpan(1), out var index, out width) && tree.ReadLeaves(index, width) is { } leaves ? Bundle(leaves) : default(ReadOnlyMemory<byte>?);
    }

    private static ReadOnlyMemory<byte> Bundle(IReadOnlyList<byte[]> leaves)
    {
        var bundle = new ArrayBufferWriter<byte>(leaves.Sum(leaf => sizeof(ushort) + leaf.Length));
        foreach (var leaf in leaves)
            EntryBundle.Write(bundle, leaf);
        return bundle.WrittenMemory;
    }

    private static IResult Text(HttpContext context, string text)
    {
        context.Response.Headers.CacheControl = CacheForASecond;
        return Results.Text(text, TextType);
    }

    private static IResult Bytes(HttpContext context, ReadOnlyMemory<byte> bytes)
    {
        context.Response.Headers.CacheControl = CacheForEver;
        return Results.Bytes(bytes, BytesType);
    }
}
