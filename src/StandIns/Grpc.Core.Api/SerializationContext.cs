using System.Buffers;

namespace Grpc.Core;

/// <summary>Where a serializer puts a message. A transport overrides what it offers.</summary>
public abstract class SerializationContext
{
    /// <summary>Ends with a whole payload. Use this, or the buffer writer, never both.</summary>
    /// <param name="payload">The payload; it must not change any more.</param>
    public virtual void Complete(byte[] payload) => throw new NotImplementedException();

    /// <summary>The writer that takes the payload piece by piece.</summary>
    /// <returns>The writer.</returns>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotImplementedException();

    /// <summary>Announces the length of what will be written; a transport may ignore it.</summary>
    /// <param name="payloadLength">The length in bytes.</param>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    /// <summary>Ends what was put into the buffer writer.</summary>
    public virtual void Complete() => throw new NotImplementedException();
}
