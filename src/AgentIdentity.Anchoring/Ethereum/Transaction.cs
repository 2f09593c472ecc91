using System.Diagnostics.CodeAnalysis;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>An EIP-1559 transaction (type 2) that sends no money and names no access list.</summary>
/// <param name="To">The contract that is called; null where one is created.</param>
public sealed record Transaction(ulong ChainId, ulong Nonce, UInt128 TipWei, UInt128 MaxFeeWei, ulong GasLimit, Address? To, byte[] Data)
{
    internal const byte Type = 2;

    /// <summary>The most that this transaction can cost.</summary>
    public UInt128 CostMaxWei => MaxFeeWei * GasLimit;

    /// <summary>What is signed.</summary>
    internal byte[] SigningHash() => Keccak256.Hash([Type, .. Rlp.List(Fields())]);

    internal byte[] Encode(EcdsaSignature signature) =>
        [Type, .. Rlp.List([.. Fields(), Rlp.Integer(signature.IsOdd ? UInt128.One : UInt128.Zero), Rlp.Integer(signature.R), Rlp.Integer(signature.S)])];

    private byte[][] Fields() =>
    [
        Rlp.Integer(ChainId),
        Rlp.Integer(Nonce),
        Rlp.Integer(TipWei),
        Rlp.Integer(MaxFeeWei),
        Rlp.Integer(GasLimit),
        Rlp.Bytes(To?.ToBytes()),
        Rlp.Integer(UInt128.Zero),
        Rlp.Bytes(Data),
        Rlp.List(),
    ];
}

/// <summary>A transaction with its sender's signature: the bytes that are sent, and that a journal keeps.</summary>
public sealed class SignedTransaction
{
    private const int FieldCount = 12;

    private SignedTransaction(Transaction transaction, byte[] raw, Address sender)
    {
        Transaction = transaction;
        Raw = raw;
        Sender = sender;
        Hash = ChainHash.Of(raw);
    }

    public Transaction Transaction { get; }

    /// <summary>Exactly what is sent.</summary>
    public byte[] Raw { get; }

    /// <summary>The name by which the chain knows it.</summary>
    public ChainHash Hash { get; }

    /// <summary>Who signed, as the signature itself says.</summary>
    public Address Sender { get; }

    /// <summary>The contract that it creates; null where it calls one.</summary>
    public Address? Creates => Transaction.To is null ? Address.OfCreated(Sender, Transaction.Nonce) : null;

    /// <summary>Reads what was signed. Another type of transaction, one that carries money or a list, bytes that are not canonical, or a signature of nobody: false.</summary>
    public static bool TryRead(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out SignedTransaction? signed)
    {
        signed = null;
        try
        {
            if (raw.IsEmpty || raw[0] != Transaction.Type || Rlp.ReadList(raw[1..]) is not { Count: FieldCount } fields)
                return false;
            var transaction = Read(fields);
            var signature = new EcdsaSignature(Word(fields[10]), Word(fields[11]), Number(fields[9]) == 1);
            // Encoded again, whatever was not canonical or not of this form has become other bytes.
            if (signature.Recover(transaction.SigningHash()) is not { } sender || !raw.SequenceEqual(transaction.Encode(signature)))
                return false;
            signed = new SignedTransaction(transaction, raw.ToArray(), sender);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static Transaction Read(List<byte[]> fields) => new(
        (ulong)Number(fields[0]), (ulong)Number(fields[1]), Number(fields[2]), Number(fields[3]), (ulong)Number(fields[4]),
        fields[5].Length switch { 0 => null, Address.Size => Address.Of(fields[5]), _ => throw new FormatException("An address or nothing is expected.") },
        fields[7]);

    private static UInt128 Number(byte[] bigEndian) => bigEndian.Length <= 16
        ? bigEndian.Aggregate(UInt128.Zero, (value, digit) => (value << 8) | digit)
        : throw new FormatException("A number of at most 128 bits is expected.");

    private static byte[] Word(byte[] bigEndian) => bigEndian.Length <= EcdsaSignature.IntegerSize
        ? [.. new byte[EcdsaSignature.IntegerSize - bigEndian.Length], .. bigEndian]
        : throw new FormatException("A number of at most 256 bits is expected.");
}
