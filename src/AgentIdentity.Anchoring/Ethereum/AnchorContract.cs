using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>What is in force for a log in the contract.</summary>
/// <param name="Size">Of the last anchored checkpoint; 0 before the first.</param>
/// <param name="StepBits">An anchor moves the size by at most 2^StepBits.</param>
public sealed record AnchoredLog(Address Sequencer, TreeSize Size, int StepBits, int WitnessesNeeded, bool IsConsistent);

/// <summary>One anchored checkpoint, as the chain tells of it.</summary>
public sealed record AnchoredCheckpoint(TreeSize Size, Hash Root, ChainHash Transaction, ulong BlockNumber, ChainHash BlockHash, ulong EventIndex);

/// <summary>A witness's word for a checkpoint: its place in the log's list, r, and s with the recovery bit on top (EIP-2098).</summary>
public sealed record WitnessWord(byte Index, Hash R, Hash Vs);

/// <summary>The contract of contracts/src/LedgerAnchor.sol: calls to send, state to read, events to find.</summary>
public sealed class AnchorContract(IChain chain, Address address)
{
    /// <summary>The largest step that the contract takes for a log: 2^62.</summary>
    public const int StepBitsMax = 62;

    private static readonly Hash AnchoredTopic = Abi.Topic("Anchored(bytes32,uint64,bytes32)");

    public Address Address => address;

    /// <summary>The name of a log in the contract.</summary>
    /// <param name="origin">The first line of its checkpoints.</param>
    public static Hash NameOf(string origin) => Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(origin));

    public static byte[] Creation(Address owner) => [.. LedgerAnchorCode.Creation, .. Abi.Encode(owner)];

    public static byte[] Anchor(Hash log, TreeSize size, Hash root) => Abi.Call("anchor(bytes32,uint64,bytes32)", log, size.Value, root);

    public static byte[] AnchorConsistent(Hash log, TreeSize size, Hash root, IEnumerable<Hash> proof) =>
        Abi.Call("anchorConsistent(bytes32,uint64,bytes32,bytes32[])", log, size.Value, root, AbiValue.List(proof));

    public static byte[] AnchorWitnessed(Hash log, TreeSize size, Hash root, IEnumerable<Hash> proof, IReadOnlyCollection<WitnessWord> words) => Abi.Call(
        "anchorWitnessed(bytes32,uint64,bytes32,bytes32[],uint8[],bytes32[],bytes32[])", log, size.Value, root, AbiValue.List(proof),
        AbiValue.List(words.Select(word => (ulong)word.Index)), AbiValue.List(words.Select(word => word.R)), AbiValue.List(words.Select(word => word.Vs)));

    /// <summary>The size in a call that anchors, whichever of them it is.</summary>
    /// <exception cref="FormatException">This is no such call.</exception>
    internal static TreeSize SizeIn(byte[] call) => new(Abi.ReadNumber(ArgumentsOf(call), 1));

    /// <summary>The log in such a call.</summary>
    /// <exception cref="FormatException">This is no such call.</exception>
    internal static Hash LogIn(byte[] call) => Hash.Read(Abi.Word(ArgumentsOf(call), 0));

    private static ReadOnlySpan<byte> ArgumentsOf(byte[] call) => call.Length > Abi.SelectorSize ? call.AsSpan(Abi.SelectorSize) : throw new FormatException("A call that anchors is expected.");

    public static byte[] OpenLog(Hash log, Address sequencer, int stepBits, bool isConsistent) =>
        Abi.Call("openLog(bytes32,address,uint8,bool)", log, sequencer, (ulong)stepBits, isConsistent);

    public static byte[] SetSequencer(Hash log, Address sequencer) => Abi.Call("setSequencer(bytes32,address)", log, sequencer);

    public static byte[] SetStep(Hash log, int stepBits) => Abi.Call("setStep(bytes32,uint8)", log, (ulong)stepBits);

    public static byte[] RequireConsistency(Hash log) => Abi.Call("requireConsistencyFromNow(bytes32)", log);

    public static byte[] SetWitnesses(Hash log, IEnumerable<Address> witnesses, int needed) =>
        Abi.Call("setWitnesses(bytes32,address[],uint8)", log, AbiValue.List(witnesses), (ulong)needed);

    public static byte[] DeclareSuccessor(Hash log, Hash successor) => Abi.Call("declareSuccessor(bytes32,bytes32)", log, successor);

    public static byte[] OfferOwnership(Address to) => Abi.Call("offerOwnership(address)", to);

    public static byte[] AcceptOwnership() => Abi.Call("acceptOwnership()");

    /// <summary>The name of the contract's error that a transaction or a call was refused with; null for what is none of them.</summary>
    public static string? ErrorOf(ChainException refusal) =>
        Errors.FirstOrDefault(error => refusal.Revert.AsSpan().StartsWith(Abi.Selector(error)))?.Split('(')[0];

    /// <summary>Why what stands at the address is not to be spoken to; null when it is this contract.</summary>
    public async Task<string?> FindObstacleAsync(CancellationToken cancellation) => await FindCodeAsync(cancellation).ConfigureAwait(false) switch
    {
        AnchorCode.Ours => null,
        AnchorCode.Missing => $"There is no contract at {address}.",
        _ => $"The code at {address} is not that of the anchor contract.",
    };

    /// <summary>Whether the code at the address is that of this contract, byte for byte; what else stands there could say anything.</summary>
    public async Task<AnchorCode> FindCodeAsync(CancellationToken cancellation)
    {
        var code = await chain.CodeAsync(address, cancellation).ConfigureAwait(false);
        return code.Length == 0 ? AnchorCode.Missing : code.AsSpan().SequenceEqual(LedgerAnchorCode.Deployed) ? AnchorCode.Ours : AnchorCode.Other;
    }

    /// <summary>What is in force for a log; null when it has not been opened, or the contract was not there yet.</summary>
    public async Task<AnchoredLog?> FindLogAsync(Hash log, BlockTag at, CancellationToken cancellation)
    {
        var answer = await chain.CallAsync(address, Abi.Call("logs(bytes32)", log), at, cancellation).ConfigureAwait(false);
        if (answer.Length == 0)
            return null;
        var found = Read(() => new AnchoredLog(
            Abi.ReadAddress(answer, 0), new TreeSize(Abi.ReadNumber(answer, 1)), (int)Abi.ReadNumber(answer, 2), (int)Abi.ReadNumber(answer, 3), Abi.ReadBool(answer, 4)));
        return found.StepBits == 0 ? null : found;
    }

    /// <summary>The root that was anchored for this size; null when none was.</summary>
    public async Task<Hash?> FindRootAsync(Hash log, TreeSize size, BlockTag at, CancellationToken cancellation)
    {
        var answer = await chain.CallAsync(address, Abi.Call("rootAt(bytes32,uint64)", log, size.Value), at, cancellation).ConfigureAwait(false);
        if (answer.Length == 0)
            return null;
        var root = Read(() => Hash.Read(Abi.Word(answer, 0)));
        return root == default ? null : root;
    }

    /// <summary>Asks the contract itself whether a leaf is in the log.</summary>
    public async Task<bool> VerifyInclusionAsync(Hash log, TreeSize size, LeafIndex index, Hash leafHash, IEnumerable<Hash> proof, CancellationToken cancellation)
    {
        var call = Abi.Call("verifyInclusion(bytes32,uint64,uint64,bytes32,bytes32[])", log, size.Value, index.Value, leafHash, AbiValue.List(proof));
        var answer = await chain.CallAsync(address, call, BlockTag.Latest, cancellation).ConfigureAwait(false);
        return Read(() => Abi.ReadBool(answer, 0));
    }

    /// <summary>What a witness signs, as the contract itself says.</summary>
    public async Task<Hash> CheckpointHashAsync(Hash log, TreeSize size, Hash root, CancellationToken cancellation)
    {
        var answer = await chain.CallAsync(address, Abi.Call("checkpointHash(bytes32,uint64,bytes32)", log, size.Value, root), BlockTag.Latest, cancellation).ConfigureAwait(false);
        return Read(() => Hash.Read(Abi.Word(answer, 0)));
    }

    /// <summary>The anchors of a log in a range of blocks; of one size, or of all.</summary>
    public async Task<IReadOnlyList<AnchoredCheckpoint>> AnchorsAsync(Hash log, TreeSize? size, ulong fromBlock, ulong toBlock, CancellationToken cancellation)
    {
        Hash[] topics = size is { } wanted ? [AnchoredTopic, log, Hash.Read(Abi.Number(wanted.Value))] : [AnchoredTopic, log];
        var events = await chain.EventsAsync(address, topics, fromBlock, toBlock, cancellation).ConfigureAwait(false);
        return [.. events.Select(found => ReadAnchor(found, log)).OfType<AnchoredCheckpoint>()];
    }

    /// <summary>The anchor among the events of a transaction; null if it has none of this log.</summary>
    public AnchoredCheckpoint? AnchorIn(ChainReceipt receipt, Hash log) => receipt.Events.Select(found => ReadAnchor(found, log)).FirstOrDefault(anchor => anchor is not null);

    private AnchoredCheckpoint? ReadAnchor(ChainEvent found, Hash log) => found.Contract == address && found.Topics.Count == 3 && found.Topics[0] == AnchoredTopic && found.Topics[1] == log
        ? Read(() => new AnchoredCheckpoint(
            new TreeSize(Abi.ReadNumber(found.Topics[2].ToArray(), 0)), Hash.Read(Abi.Word(found.Data, 0)), found.Transaction, found.BlockNumber, found.BlockHash, found.Index))
        : null;

    private static T Read<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException error)
        {
            throw new ChainException(ChainFault.Malformed, $"The contract's answer is not of its ABI: {error.Message}", error);
        }
    }

    private static readonly string[] Errors =
    [
        "NotOwner()", "NotPendingOwner()", "NotSequencer()", "NoSuchLog()", "LogExists()", "LogClosed()", "SizeNotGrowing()", "StepTooLarge()", "ZeroRoot()",
        "ProofNeeded()", "NotConsistent()", "WitnessesNeeded()", "BadWitnessSet()", "BadWitnessSignature(uint256)", "BadStep()",
    ];
}

/// <summary>What stands at the address of a contract.</summary>
public enum AnchorCode
{
    Missing,
    Other,
    Ours,
}
