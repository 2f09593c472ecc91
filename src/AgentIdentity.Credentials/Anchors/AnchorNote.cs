using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Anchors;

/// <summary>Where a chain holds a tree of a log, as the log's key says. Format: docs/formats.md, "Anchor".</summary>
/// <param name="Origin">Of the log.</param>
/// <param name="ChainId">Which chain.</param>
/// <param name="Contract">0x and 40 hexadecimal digits in lower case.</param>
/// <param name="Size">Of the tree.</param>
/// <param name="Root">Its root.</param>
/// <param name="Transaction">The hash of the transaction that anchored it.</param>
/// <param name="Block">The block that includes it.</param>
/// <param name="BlockHash">That block's hash.</param>
/// <param name="EventIndex">The place of the event in the block.</param>
public sealed record AnchorNote(string Origin, ulong ChainId, string Contract, TreeSize Size, Hash Root, Hash Transaction, ulong Block, Hash BlockHash, ulong EventIndex)
{
    // No origin, so that it can never be read as a checkpoint.
    private const string Label = "agentidentity.v1/anchor";

    private const int ContractDigits = 40;

    private string Text =>
        $"{Label}\n{Origin}\n{Decimal(ChainId)}\n{Contract}\n{Decimal(Size.Value)}\n{Root}\n{Hex(Transaction)}\n{Decimal(Block)}\n{Hex(BlockHash)}\n{Decimal(EventIndex)}\n";

    /// <summary>Opens a note that this key has signed.</summary>
    public static bool TryOpen(string note, NoteVerifierKey logKey, [NotNullWhen(true)] out AnchorNote? anchor)
    {
        anchor = null;
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _) || signed.Verify(logKey) != NoteRefusal.None)
            return false;
        var text = Encoding.UTF8.GetString(signed.Text.Span);
        // A second spelling of what was read is refused by writing it again.
        if (!TryRead(text.Split('\n'), out var read) || read.Text != text || read.Origin != logKey.Name)
            return false;
        anchor = read;
        return true;
    }

    /// <summary>The signed note.</summary>
    public string Sign(NoteSignerKey logKey) => Encoding.UTF8.GetString(SignedNote.Sign(Encoding.UTF8.GetBytes(Text), logKey).ToArray());

    private static bool TryRead(string[] lines, [NotNullWhen(true)] out AnchorNote? anchor)
    {
        anchor = null;
        if (lines is not [Label, var origin, var chainId, var contract, var size, var root, var transaction, var block, var blockHash, var eventIndex, ""]
            || !TryReadNumber(chainId, out var chain) || !TryReadNumber(size, out var leaves) || !TryReadNumber(block, out var number) || !TryReadNumber(eventIndex, out var place)
            || !TryReadHex(contract, ContractDigits, out _) || !TryReadRoot(root, out var rootHash)
            || !TryReadHex(transaction, 2 * Hash.Size, out var transactionHash) || !TryReadHex(blockHash, 2 * Hash.Size, out var hashOfBlock))
            return false;
        anchor = new AnchorNote(origin, chain, contract, new TreeSize(leaves), rootHash, Hash.Read(transactionHash), number, Hash.Read(hashOfBlock), place);
        return true;
    }

    private static bool TryReadNumber(string text, out ulong number) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TryReadHex(string text, int digits, out byte[] bytes)
    {
        bytes = [];
        if (text.Length != 2 + digits || !text.StartsWith("0x", StringComparison.Ordinal) || !text.Skip(2).All(char.IsAsciiHexDigitLower))
            return false;
        bytes = Convert.FromHexString(text.AsSpan(2));
        return true;
    }

    private static bool TryReadRoot(string text, out Hash root)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        var isHash = Convert.TryFromBase64String(text, bytes, out var written) && written == Hash.Size;
        root = isHash ? Hash.Read(bytes) : default;
        return isHash;
    }

    private static string Decimal(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Hex(Hash hash) => "0x" + Convert.ToHexStringLower(hash.ToArray());
}
