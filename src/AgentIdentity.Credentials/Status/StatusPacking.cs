using System.IO.Compression;

namespace AgentIdentity.Credentials.Status;

/// <summary>How the bits of a status list are compressed.</summary>
internal static class StatusPacking
{
    public static byte[] ZLib(ReadOnlySpan<byte> bits) => Pack(bits, packed => new ZLibStream(packed, CompressionLevel.SmallestSize));

    public static byte[] GZip(ReadOnlySpan<byte> bits) => Pack(bits, packed => new GZipStream(packed, CompressionLevel.SmallestSize));

    public static byte[]? UnpackZLib(byte[] packed, int size) => Unpack(new ZLibStream(new MemoryStream(packed), CompressionMode.Decompress), size);

    public static byte[]? UnpackGZip(byte[] packed, int size) => Unpack(new GZipStream(new MemoryStream(packed), CompressionMode.Decompress), size);

    private static byte[] Pack(ReadOnlySpan<byte> bits, Func<Stream, Stream> packing)
    {
        using var packed = new MemoryStream();
        using (var stream = packing(packed))
            stream.Write(bits);
        return packed.ToArray();
    }

    // What inflates to more is given up after one byte too many, however much there would be; null for that and for anything else than the size.
    private static byte[]? Unpack(Stream packed, int size)
    {
        using (packed)
        {
            var bits = new byte[size];
            try
            {
                return packed.ReadAtLeast(bits, size, throwOnEndOfStream: false) == size && packed.ReadByte() < 0 ? bits : null;
            }
            catch (InvalidDataException)
            {
                return null;
            }
        }
    }
}
