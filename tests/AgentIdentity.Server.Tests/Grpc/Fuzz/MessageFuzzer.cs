using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace AgentIdentity.Server.Tests.Grpc.Fuzz;

/// <summary>Makes messages of any type that can be read, with fields that are missing, wrong, on the edge, or good: so that what is drawn reaches the handlers.</summary>
/// <param name="random">What is drawn from.</param>
/// <param name="good">Values that exist in the registry, by the name of the field that they belong in.</param>
internal sealed class MessageFuzzer(Random random, ILookup<string, object> good)
{
    // What would be a lone half of a character in UTF-8, which no string can hold, is as long as this.
    private const string Broken = "\ue000";

    // Deeper than any message of ours; those that contain themselves end somewhere.
    private const int DepthMax = 5;

    private static readonly byte[] BrokenUtf8 = [0xed, 0xa0, 0x80];
    private static readonly int[] Counts = [0, 1, 1, 1, 2, 3, 17, 1001];
    private static readonly ulong[] Edges = [0, 1, 2, 255, 901, 65_536, int.MaxValue, uint.MaxValue, long.MaxValue, 1UL << 63, ulong.MaxValue];
    private static readonly int[] Lengths = [0, 1, 16, 31, 32, 33, 64, 5_000];

    private static readonly string[] Texts =
    [
        "", " ", "\0", "a\0b", "x", "../../etc/passwd", "did:web:localhost%3A5000", "did:web:localhost%3A5000:agents:", "did:web:elsewhere:agents:0192f0c1-7a00-7def-8123-456789abcdef",
        "0192f0c1-7a00-7def-8123-456789abcdef", "0192F0C1-7A00-7DEF-8123-456789ABCDEF", "{0192f0c1-7a00-7def-8123-456789abcdef}", "0192f0c17a007def8123456789abcdef",
        "did:key:z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZ", "did:webvh:QmQ:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef", "\U0001f512", "\u202eabc", "e\u0301", "\ufeff", "null", "[]", "{}", "[{}]", "-1", "1e999",
        "*", "/*", "a/*/b", "a.b.c", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30.", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}", "{\"a\":1,\"a\":1}", Broken, $"a{Broken}b", new('a', 300), new('/', 5_000), new('[', 3_000),
    ];

    /// <summary>The bytes of a message of this type; now and then cut short.</summary>
    public byte[] Draw(MessageDescriptor type)
    {
        var bytes = Break(Make(type, 0).ToByteArray());
        return random.Next(20) == 0 ? bytes[..random.Next(bytes.Length + 1)] : bytes;
    }

    private IMessage Make(MessageDescriptor type, int depth)
    {
        var message = type.Parser.ParseFrom(ByteString.Empty);
        var chosen = type.Oneofs.Where(oneof => !oneof.IsSynthetic).Select(oneof => oneof.Fields[random.Next(oneof.Fields.Count)]).ToHashSet();
        foreach (var field in type.Fields.InDeclarationOrder().Where(field => field.RealContainingOneof is null ? random.Next(6) > 0 : chosen.Contains(field)))
        {
            if (field.IsMap)
                Fill((IDictionary)field.Accessor.GetValue(message), field);
            else if (field.IsRepeated)
                Fill((IList)field.Accessor.GetValue(message), field, depth);
            else if (Value(field, depth) is { } value)
                field.Accessor.SetValue(message, value);
        }
        return message;
    }

    private void Fill(IList list, FieldDescriptor field, int depth)
    {
        for (var left = Counts[random.Next(Counts.Length)]; left > 0; left--)
        {
            if (Value(field, depth) is { } value)
                list.Add(value);
        }
    }

    // Of texts, by names that are good in the map: a value is one that is good under its name, or wrong.
    private void Fill(IDictionary map, FieldDescriptor field)
    {
        foreach (var name in good[field.Name].OfType<string>().Where(_ => random.Next(6) > 0).Append(Text()))
            map[name] = good[name].OfType<string>().ToArray() is { Length: > 0 } known && random.Next(3) > 0 ? known[random.Next(known.Length)] : Text();
    }

    // Null: nothing.
    private object? Value(FieldDescriptor field, int depth)
    {
        var known = good[field.Name].Where(value => Fits(field, value)).ToArray();
        return known.Length > 0 && random.Next(3) > 0 ? known[random.Next(known.Length)] : Wrong(field, depth);
    }

    private static bool Fits(FieldDescriptor field, object value) => field.FieldType switch
    {
        FieldType.String => value is string,
        FieldType.Bytes => value is ByteString,
        FieldType.UInt64 => value is ulong,
        FieldType.Message => value is IMessage message && message.Descriptor == field.MessageType,
        FieldType.Enum => value.GetType() == field.EnumType.ClrType,
        _ => false,
    };

    private object? Wrong(FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Message => depth < DepthMax ? Make(field.MessageType, depth + 1) : null,
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, random.Next(4) == 0 ? (int)Number() : random.Next(field.EnumType.Values.Count + 1)),
        FieldType.String => Text(),
        FieldType.Bytes => ByteString.CopyFrom(Octets()),
        FieldType.Bool => random.Next(2) == 0,
        FieldType.Double => BitConverter.UInt64BitsToDouble(Number()),
        FieldType.Float => BitConverter.UInt32BitsToSingle((uint)Number()),
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => (int)Number(),
        FieldType.UInt32 or FieldType.Fixed32 => (uint)Number(),
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => (long)Number(),
        FieldType.UInt64 or FieldType.Fixed64 => Number(),
        _ => throw new InvalidOperationException($"Nothing is drawn for a {field.FieldType}."),
    };

    // A wrong text, or one that is good elsewhere, or such a one with one character changed.
    private string Text()
    {
        if (random.Next(2) == 0)
            return Texts[random.Next(Texts.Length)];
        var strings = good.SelectMany(values => values).OfType<string>().ToArray();
        var text = strings[random.Next(strings.Length)].ToCharArray();
        if (random.Next(2) == 0 && text.Length > 0)
            text[random.Next(text.Length)] = (char)random.Next(1, 0xd800);
        return new string(text);
    }

    private byte[] Octets()
    {
        var bytes = new byte[Lengths[random.Next(Lengths.Length)]];
        random.NextBytes(bytes);
        return bytes;
    }

    private ulong Number() => random.Next(3) == 0 ? (ulong)random.NextInt64(long.MinValue, long.MaxValue) : Edges[random.Next(Edges.Length)];

    private static byte[] Break(byte[] bytes)
    {
        var whole = System.Text.Encoding.UTF8.GetBytes(Broken);
        for (var at = bytes.AsSpan().IndexOf(whole); at >= 0; at = bytes.AsSpan().IndexOf(whole))
            BrokenUtf8.CopyTo(bytes, at);
        return bytes;
    }
}
