using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Server.Grpc;

/// <summary>Looks at a call's first message without taking it away from the gRPC layer, which will read it again.</summary>
internal static class FirstMessage
{
    // The flag that says whether the message is compressed, and its length.
    private const int FrameSize = 5;

    /// <summary>base64url SHA-256 of the message, or null when there is none that the layer would accept.</summary>
    public static async ValueTask<string?> HashAsync(PipeReader body, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await body.ReadAsync(cancellation);
            var isWhole = TryFind(read.Buffer, out var message, out var isRefused);
            if (isWhole || isRefused || read.IsCompleted)
            {
                var hash = isWhole ? Hash(message) : null;
                // Nothing consumed and nothing examined: the next reader gets all of it at once.
                body.AdvanceTo(read.Buffer.Start);
                return hash;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static bool TryFind(in ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> message, out bool isRefused)
    {
        message = default;
        isRefused = false;
        if (buffer.Length < FrameSize)
            return false;
        Span<byte> frame = stackalloc byte[FrameSize];
        buffer.Slice(0, FrameSize).CopyTo(frame);
        var length = BinaryPrimitives.ReadUInt32BigEndian(frame[1..]);
        isRefused = frame[0] != 0 || length > Limits.MessageBytesMax;
        if (isRefused || buffer.Length < FrameSize + length)
            return false;
        message = buffer.Slice(FrameSize, length);
        return true;
    }

    private static string Hash(in ReadOnlySequence<byte> message)
    {
        if (message.IsSingleSegment)
            return Sha256.Hash(message.FirstSpan).ToBase64Url();
        var length = (int)message.Length;
        var rented = ArrayPool<byte>.Shared.Rent(length);
        message.CopyTo(rented);
        var hash = Sha256.Hash(rented.AsSpan(0, length)).ToBase64Url();
        ArrayPool<byte>.Shared.Return(rented);
        return hash;
    }
}
