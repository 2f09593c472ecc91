using System.Buffers.Binary;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>The contract ABI as far as the anchor uses it: arguments are words of 32 bytes and lists of such words.</summary>
internal static class Abi
{
    public const int WordSize = 32;
    public const int SelectorSize = 4;

    public static byte[] Call(string signature, params ReadOnlySpan<AbiValue> arguments) => [.. Selector(signature), .. Encode(arguments)];

    /// <summary>The first bytes of a call, or of what a contract reverted with.</summary>
    public static byte[] Selector(string signature) => Keccak256.Hash(Encoding.ASCII.GetBytes(signature))[..SelectorSize];

    /// <summary>The first topic of an event.</summary>
    public static Hash Topic(string signature) => Hash.Read(Keccak256.Hash(Encoding.ASCII.GetBytes(signature)));

    public static byte[] Encode(params ReadOnlySpan<AbiValue> values)
    {
        // A list stands behind all of the head, which has its offset.
        byte[] head = [], tail = [];
        foreach (var value in values)
        {
            head = [.. head, .. value.IsList ? Number((ulong)((values.Length * WordSize) + tail.Length)) : value.Words[0]];
            if (value.IsList)
                tail = [.. tail, .. Number((ulong)value.Words.Length), .. value.Words.SelectMany(word => word)];
        }
        return [.. head, .. tail];
    }

    /// <exception cref="FormatException">There is no such word.</exception>
    public static ReadOnlySpan<byte> Word(ReadOnlySpan<byte> data, int index) => data.Length >= (index + 1) * WordSize
        ? data.Slice(index * WordSize, WordSize)
        : throw new FormatException($"Word {index} is expected in {data.Length} bytes.");

    public static ulong ReadNumber(ReadOnlySpan<byte> data, int index)
    {
        var word = Word(data, index);
        return !word[..^sizeof(ulong)].ContainsAnyExcept((byte)0)
            ? BinaryPrimitives.ReadUInt64BigEndian(word[^sizeof(ulong)..])
            : throw new FormatException("A number of at most 64 bits is expected.");
    }

    public static bool ReadBool(ReadOnlySpan<byte> data, int index) => ReadNumber(data, index) switch
    {
        0 => false,
        1 => true,
        var other => throw new FormatException($"0 or 1 is expected; found {other}."),
    };

    public static Address ReadAddress(ReadOnlySpan<byte> data, int index) => Address.Of(Word(data, index)[^Address.Size..]);

    public static byte[] Number(ulong value)
    {
        var word = new byte[WordSize];
        BinaryPrimitives.WriteUInt64BigEndian(word.AsSpan(WordSize - sizeof(ulong)), value);
        return word;
    }
}

/// <summary>An argument of a call.</summary>
internal sealed class AbiValue
{
    private AbiValue(bool isList, params byte[][] words)
    {
        IsList = isList;
        Words = words;
    }

    public bool IsList { get; }

    public byte[][] Words { get; }

    public static implicit operator AbiValue(ulong value) => new(false, Abi.Number(value));

    public static implicit operator AbiValue(bool value) => value ? 1UL : 0UL;

    public static implicit operator AbiValue(Hash value) => new(false, value.ToArray());

    public static implicit operator AbiValue(Address value) => new(false, Word(value));

    public static AbiValue List(IEnumerable<Hash> values) => new(true, [.. values.Select(value => value.ToArray())]);

    public static AbiValue List(IEnumerable<Address> values) => new(true, [.. values.Select(Word)]);

    public static AbiValue List(IEnumerable<ulong> values) => new(true, [.. values.Select(Abi.Number)]);

    private static byte[] Word(Address address) => [.. new byte[Abi.WordSize - Address.Size], .. address.ToBytes()];
}
