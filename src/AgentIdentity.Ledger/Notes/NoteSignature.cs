using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>One signature line of a note, <c>— name base64(key id ‖ signature)</c>, not yet verified.</summary>
/// <param name="Name">The name of the key.</param>
/// <param name="KeyId">The id of the key, four bytes big-endian in the line.</param>
/// <param name="Bytes">The signature in the form of the key's type, at least one byte.</param>
public sealed record NoteSignature(string Name, uint KeyId, ReadOnlyMemory<byte> Bytes)
{
    private const int KeyIdSize = sizeof(uint);

    private static ReadOnlySpan<byte> Dash => "— "u8;

    /// <summary>Reads one line, without its line feed. False if it is not a signature line.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, [NotNullWhen(true)] out NoteSignature? signature)
    {
        signature = null;
        if (!line.StartsWith(Dash) || !NoteText.IsValid(line))
            return false;
        line = line[Dash.Length..];
        var space = line.IndexOf((byte)' ');
        if (space < 0 || !NoteText.TryDecodeBase64(line[(space + 1)..], out var bytes) || bytes.Length <= KeyIdSize)
            return false;
        var name = Encoding.UTF8.GetString(line[..space]);
        if (!NoteText.IsKeyName(name))
            return false;
        signature = new NoteSignature(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes.AsMemory(KeyIdSize));
        return true;
    }

    /// <summary>The line, without a line feed.</summary>
    public override string ToString()
    {
        var bytes = new byte[KeyIdSize + Bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyId);
        Bytes.CopyTo(bytes.AsMemory(KeyIdSize));
        return $"— {Name} {Convert.ToBase64String(bytes)}";
    }
}
