using System.IO.Compression;
using Grpc.Net.Compression;

namespace AgentIdentity.InteropHost;

/// <summary>gzip that can say whether the message just read came compressed, which the headers say of the whole call only.</summary>
internal sealed class WatchedGzip : ICompressionProvider
{
    // One box a call: a change of the box is seen by the handler, a change of the AsyncLocal itself would not be.
    private static readonly AsyncLocal<Box?> Call = new();

    private readonly GzipCompressionProvider gzip = new(CompressionLevel.Fastest);

    public static bool WasUsed => Call.Value is { Used: true };

    public string EncodingName => gzip.EncodingName;

    public static void Forget() => Call.Value?.Used = false;

    public static Task WatchAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Headers.ContainsKey("grpc-encoding"))
            Call.Value = new Box();
        return next(context);
    }

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) => gzip.CreateCompressionStream(stream, compressionLevel);

    public Stream CreateDecompressionStream(Stream stream)
    {
        Call.Value?.Used = true;
        return gzip.CreateDecompressionStream(stream);
    }

    private sealed class Box
    {
        public bool Used { get; set; }
    }
}
