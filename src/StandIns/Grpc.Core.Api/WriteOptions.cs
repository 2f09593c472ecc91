namespace Grpc.Core;

/// <summary>How a message is written.</summary>
[Flags]
public enum WriteFlags
{
    /// <summary>More follows: the message may wait in a buffer.</summary>
    BufferHint = 0x1,

    /// <summary>This message is not compressed even where the call is.</summary>
    NoCompress = 0x2,
}

/// <summary>The flags of a write.</summary>
/// <param name="flags">The flags.</param>
public class WriteOptions(WriteFlags flags = default)
{
    /// <summary>No flags.</summary>
    public static readonly WriteOptions Default = new();

    /// <summary>The flags.</summary>
    public WriteFlags Flags { get; } = flags;
}
