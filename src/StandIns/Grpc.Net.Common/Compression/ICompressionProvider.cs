using System.IO.Compression;

namespace Grpc.Net.Compression;

/// <summary>One way to compress messages.</summary>
public interface ICompressionProvider
{
    /// <summary>The name in <c>grpc-encoding</c>.</summary>
    string EncodingName { get; }

    /// <summary>A stream that compresses into another, which stays open.</summary>
    /// <param name="stream">Takes the compressed bytes.</param>
    /// <param name="compressionLevel">How hard to try; null for the provider's own level.</param>
    /// <returns>The stream to write to.</returns>
    Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel);

    /// <summary>A stream that decompresses another, which stays open.</summary>
    /// <param name="stream">Has the compressed bytes.</param>
    /// <returns>The stream to read from.</returns>
    Stream CreateDecompressionStream(Stream stream);
}
