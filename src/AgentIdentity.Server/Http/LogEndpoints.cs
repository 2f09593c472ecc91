using System.Buffers;
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
        routes.Serve("/log-key", _ => registry.State.IsBootstrapped ? Results.Text(registry.Checkpoints.LogKey + "\n", TextType) : Results.NotFound());
        routes.Serve("/checkpoint", context => registry.Checkpoints.Last is { } last ? Text(context, last.Note) : Results.NotFound());
        routes.Serve("/tile/{**rest}", context => registry.PublishedLog.Newest is { } tree && Read(tree, context.Request.Path) is { } bytes ? Bytes(context, bytes) : Results.NotFound());
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
