using System.Buffers;

namespace Grpc.Core;

/// <summary>Where a deserializer takes a message from. A transport overrides what it offers; a payload can be taken once.</summary>
public abstract class DeserializationContext
{
    /// <summary>The length in bytes.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>The payload as an array that belongs to the caller.</summary>
    /// <returns>The payload.</returns>
    public virtual byte[] PayloadAsNewBuffer() => throw new NotImplementedException();

    /// <summary>The payload as it lies in the transport's buffers; good until the deserializer returns.</summary>
    /// <returns>The payload.</returns>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => throw new NotImplementedException();
}
