using System.Buffers.Binary;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>What one set of audiences is shown. docs/formats.md, "Watch".</summary>
public static class ViewId
{
    /// <summary>The id of the view of these audiences, in whatever order.</summary>
    public static Hash Of(IEnumerable<string> audiences)
    {
        using var bytes = new MemoryStream();
        bytes.Write("air/view/v1\0"u8);
        Span<byte> length = stackalloc byte[sizeof(ushort)];
        foreach (var audience in audiences.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var text = Encoding.UTF8.GetBytes(audience);
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)text.Length);
            bytes.Write(length);
            bytes.Write(text);
        }
        return Sha256.Hash(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }
}
