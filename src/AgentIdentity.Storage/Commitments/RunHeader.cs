using System.Buffers.Binary;
using AgentIdentity.Ledger;

namespace AgentIdentity.Storage.Commitments;

/// <summary>The first block of a run: what it covers.</summary>
/// <param name="From">The first entry that it covers.</param>
/// <param name="To">The first entry that it does not cover any more.</param>
/// <param name="AsOf">All its entries were read when the ledger had at least this size: erasures below it are in it.</param>
/// <param name="Count">How many pairs it has.</param>
/// <param name="LastLeaf">The hash of the leaf of its last entry: a run of another history is told by it.</param>
internal sealed record RunHeader(ulong From, ulong To, ulong AsOf, ulong Count, Hash LastLeaf)
{
    private const int NumbersAt = 8;
    private const int LeafAt = NumbersAt + (4 * 8);

    public ulong Blocks => (Count + RunBlock.PairsMax - 1) / RunBlock.PairsMax;

    public long FileSize => (long)(Blocks + 1) * RunBlock.Size;

    private static ReadOnlySpan<byte> Magic => "air/run1"u8;

    public bool Covers(ulong index) => index >= From && index < To;

    public byte[] Encode()
    {
        var block = new byte[RunBlock.Size];
        Magic.CopyTo(block);
        var numbers = block.AsSpan(NumbersAt);
        foreach (var number in (ReadOnlySpan<ulong>)[From, To, AsOf, Count])
        {
            BinaryPrimitives.WriteUInt64BigEndian(numbers, number);
            numbers = numbers[8..];
        }
        LastLeaf.CopyTo(block.AsSpan(LeafAt));
        RunBlock.Seal(block, 0);
        return block;
    }

    public static RunHeader Read(ReadOnlySpan<byte> block, string path)
    {
        RunBlock.RequireWhole(block, 0, path);
        var numbers = block[NumbersAt..];
        var header = new RunHeader(
            BinaryPrimitives.ReadUInt64BigEndian(numbers), BinaryPrimitives.ReadUInt64BigEndian(numbers[8..]), BinaryPrimitives.ReadUInt64BigEndian(numbers[16..]),
            BinaryPrimitives.ReadUInt64BigEndian(numbers[24..]), Hash.Read(block.Slice(LeafAt, Hash.Size)));
        return block.StartsWith(Magic) && header.From < header.To ? header : throw new RunDamagedException($"{path} is no run of this version");
    }
}
