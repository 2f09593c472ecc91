using System.Formats.Cbor;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>The few shapes that entries, openings and items are made of. Readers throw <see cref="FormatException"/>; the callers answer false.</summary>
internal static class CborForms
{
    public static void WriteId(this CborWriter cbor, SubjectId id)
    {
        Span<byte> bytes = stackalloc byte[SubjectId.Size];
        id.CopyTo(bytes);
        cbor.WriteByteString(bytes);
    }

    public static SubjectId ReadId(this CborReader cbor) => SubjectId.Read(cbor.ReadBytes(SubjectId.Size).Span);

    public static void WriteHash(this CborWriter cbor, Hash hash)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        hash.CopyTo(bytes);
        cbor.WriteByteString(bytes);
    }

    public static Hash ReadHash(this CborReader cbor) => Hash.Read(cbor.ReadBytes(Hash.Size).Span);

    public static ReadOnlyMemory<byte> ReadBytes(this CborReader cbor, int length)
    {
        var bytes = cbor.ReadDefiniteLengthByteString();
        return bytes.Length == length ? bytes : throw new FormatException($"expected {length} bytes, found {bytes.Length}");
    }

    /// <summary>Algorithm and bytes of a key, as two values.</summary>
    public static void WriteKey(this CborWriter cbor, PublicKey key)
    {
        cbor.WriteInt32((int)key.Algorithm);
        cbor.WriteByteString(key.Bytes);
    }

    public static PublicKey ReadKey(this CborReader cbor, KeyAlgorithm algorithm) =>
        PublicKey.TryRead(algorithm, cbor.ReadDefiniteLengthByteString().Span, out var key) ? key : throw new FormatException("not a public key");

    public static KeyAlgorithm ReadAlgorithm(this CborReader cbor) => cbor.ReadEnum<KeyAlgorithm>();

    public static T ReadEnum<T>(this CborReader cbor)
        where T : struct, Enum
    {
        var value = (T)Enum.ToObject(typeof(T), cbor.ReadInt32());
        return Enum.IsDefined(value) ? value : throw new FormatException($"not a {typeof(T).Name}");
    }

    /// <summary>A time since 1970, in whatever unit. Written as an unsigned integer; here it must fit a signed one.</summary>
    public static long ReadInstant(this CborReader cbor) => checked((long)cbor.ReadUInt64());

    public static void WriteTexts(this CborWriter cbor, IReadOnlyList<string> texts) => cbor.WriteArrayOf(texts, static (cbor, text) => cbor.WriteTextString(text));

    public static void WriteArrayOf<T>(this CborWriter cbor, IReadOnlyList<T> items, Action<CborWriter, T> writeItem)
    {
        cbor.WriteStartArray(items.Count);
        foreach (var item in items)
            writeItem(cbor, item);
        cbor.WriteEndArray();
    }

    public static string[] ReadTexts(this CborReader cbor) => cbor.ReadArrayOf(static item => item.ReadTextString());

    public static T[] ReadArrayOf<T>(this CborReader cbor, Func<CborReader, T> readItem)
    {
        var count = cbor.ReadStartArray() ?? throw new FormatException("arrays have a length");
        // Each item takes at least a byte: a length that the input cannot hold must not make us allocate it.
        if (count > cbor.BytesRemaining)
            throw new FormatException("the array is longer than the input");
        var items = new T[count];
        for (var i = 0; i < count; i++)
            items[i] = readItem(cbor);
        cbor.ReadEndArray();
        return items;
    }

    public static void ReadMapOf(this CborReader cbor, int count)
    {
        if (cbor.ReadStartMap() != count)
            throw new FormatException($"expected a map of {count}");
    }

    public static void ReadKey(this CborReader cbor, int key)
    {
        if (cbor.ReadInt32() != key)
            throw new FormatException($"expected key {key}");
    }
}
