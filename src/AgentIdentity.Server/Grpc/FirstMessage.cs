using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Pipelines;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Server.Grpc;

/// <summary>Looks at a call's first message without taking it away from the gRPC layer, which will read it again.</summary>
internal static class FirstMessage
{
    // The flag that says whether the message is compressed, and its length.
    private const int FrameSize = 5;

    /// <summary>Whether the message is here already, or will never be one that the layer would accept.</summary>
    /// <param name="body">What comes.</param>
    /// <param name="isHashed">Whether its hash is asked for.</param>
    /// <param name="isOnly">Whether it is the only one, which is here when nothing more can come.</param>
    /// <param name="hash">base64url SHA-256 of the message; null when it was not asked for, or when there is none that the layer would accept.</param>
    public static bool TryLook(PipeReader body, bool isHashed, bool isOnly, out string? hash)
    {
        hash = null;
        return body.TryRead(out var read) && TryLook(body, read, isHashed, isOnly, out hash);
    }

    /// <summary>Waits until it is, and gives the same. Ends <paramref name="patience"/> when it comes too slowly.</summary>
    public static async ValueTask<string?> LookAsync(PipeReader body, bool isHashed, bool isOnly, CancellationTokenSource patience)
    {
        var began = Stopwatch.GetTimestamp();
        for (var came = 0L; ; )
        {
            var left = Limits.BodyGrace + TimeSpan.FromSeconds(came / Limits.BodyBytesPerSecondMin) - Stopwatch.GetElapsedTime(began);
            patience.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            var read = await body.ReadAsync(patience.Token);
            came = read.Buffer.Length;
            if (TryLook(body, read, isHashed, isOnly, out var hash))
                return hash;
        }
    }

    private static bool TryLook(PipeReader body, in ReadResult read, bool isHashed, bool isOnly, out string? hash)
    {
        var isWhole = TryFind(read.Buffer, out var message, out var isRefused);
        // What comes behind the only one is refused by the layer too.
        var isSeen = isRefused || read.IsCompleted || (isWhole && (!isOnly || read.Buffer.Length > FrameSize + message.Length));
        hash = isWhole && isSeen && isHashed ? Hash(message) : null;
        // Nothing consumed and, of what is whole, nothing examined: the next reader gets all of it at once.
        body.AdvanceTo(read.Buffer.Start, isSeen ? read.Buffer.Start : read.Buffer.End);
        return isSeen;
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
