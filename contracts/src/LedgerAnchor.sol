// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Rfc9162} from "./Rfc9162.sol";

/// @title Checkpoints of transparency logs, kept where the logs' operators cannot change them
/// @notice For each log, known by the SHA-256 of its origin line, one key (the sequencer) writes down size and root of the log's
/// tree. Sizes only grow, a root that was written stays for ever, and in consistent mode each must extend the one before it, by a
/// proof that is checked here. Anybody, contracts included, can then ask whether a leaf is in the log.
/// @dev There is no way to upgrade this contract, to take back a root, or to make a size smaller. What the holder of each key can
/// do stands in docs/ethereum.md.
contract LedgerAnchor {
    /// @dev One storage slot, so that an anchor reads and writes one slot beside that of the root.
    struct Log {
        address sequencer;
        uint64 size;
        uint8 stepBits;
        uint8 witnessesNeeded;
        bool isConsistent;
    }

    /// @notice The largest size of any log: others hold sizes in signed 64 bits.
    uint64 public constant SIZE_MAX = type(uint64).max >> 1;

    /// @notice The most witnesses of one log: with ecrecover for each, an anchor stays well below a block's limits.
    uint256 public constant WITNESSES_MAX = 32;

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant CHECKPOINT_TYPE = keccak256("Checkpoint(bytes32 origin,uint64 size,bytes32 root)");
    uint256 private constant SECP256K1_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice Who opens logs and names their sequencers and witnesses. Should be a contract that takes several people.
    address public owner;

    /// @notice Who becomes the owner by accepting it.
    address public pendingOwner;

    /// @notice What is in force for a log; the size is that of its last anchored checkpoint.
    mapping(bytes32 origin => Log) public logs;

    /// @notice The root that was anchored for a log at a size; zero where none was.
    mapping(bytes32 origin => mapping(uint64 size => bytes32)) public rootAt;

    /// @notice The log that goes on where this one was closed; zero while it is open.
    mapping(bytes32 origin => bytes32) public successorOf;

    mapping(bytes32 origin => address[]) private witnesses;

    event Anchored(bytes32 indexed origin, uint64 indexed size, bytes32 root);
    event LogOpened(bytes32 indexed origin, address sequencer, uint8 stepBits);
    event SequencerChanged(bytes32 indexed origin, address sequencer);
    event StepChanged(bytes32 indexed origin, uint8 stepBits);
    event ConsistencyRequired(bytes32 indexed origin, uint64 fromSize);
    event WitnessesChanged(bytes32 indexed origin, address[] witnesses, uint8 needed);
    event SuccessorDeclared(bytes32 indexed origin, bytes32 indexed successor);
    event OwnershipOffered(address indexed to);
    event OwnershipTaken(address indexed by);

    error NotOwner();
    error NotPendingOwner();
    error NotSequencer();
    error NoSuchLog();
    error LogExists();
    error LogClosed();
    error SizeNotGrowing();
    error StepTooLarge();
    error ZeroRoot();
    error ProofNeeded();
    error NotConsistent();
    error WitnessesNeeded();
    error BadWitnessSet();
    error BadWitnessSignature(uint256 position);
    error BadStep();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyOpen(bytes32 origin) {
        if (logs[origin].stepBits == 0) revert NoSuchLog();
        if (successorOf[origin] != 0) revert LogClosed();
        _;
    }

    constructor(address firstOwner) {
        owner = firstOwner;
        emit OwnershipTaken(firstOwner);
    }

    /// @notice Anchors a checkpoint of a log in monotone mode: the size grows, and nothing more is checked.
    /// @dev About a fork: both sides can never be anchored at one size, and the side that was anchored is evidence for ever.
    function anchor(bytes32 origin, uint64 size, bytes32 root) external {
        (Log storage stored, Log memory log) = logOfSender(origin);
        if (log.isConsistent) revert ProofNeeded();
        if (log.witnessesNeeded != 0) revert WitnessesNeeded();
        advance(stored, log, origin, size, root);
    }

    /// @notice Anchors a checkpoint that is proven to extend the last one that was anchored. Possible in either mode.
    /// @param proof RFC 9162 consistency proof from the last anchored size; empty for the first checkpoint of a log.
    function anchorConsistent(bytes32 origin, uint64 size, bytes32 root, bytes32[] calldata proof) external {
        (Log storage stored, Log memory log) = logOfSender(origin);
        if (log.witnessesNeeded != 0) revert WitnessesNeeded();
        requireConsistency(log, origin, size, root, proof);
        advance(stored, log, origin, size, root);
    }

    /// @notice Anchors a checkpoint that enough witnesses have signed as EIP-712 `Checkpoint(bytes32 origin,uint64 size,bytes32 root)`.
    /// @param proof As for anchorConsistent where the log is in consistent mode; otherwise not looked at.
    /// @param indexes Places of the signers in the log's list of witnesses, strictly ascending: nobody counts twice.
    /// @param r The r of each signature, in the order of the indexes.
    /// @param vs The s of each signature with the recovery bit on top (EIP-2098); s is of the lower half.
    function anchorWitnessed(
        bytes32 origin,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof,
        uint8[] calldata indexes,
        bytes32[] calldata r,
        bytes32[] calldata vs
    ) external {
        (Log storage stored, Log memory log) = logOfSender(origin);
        if (indexes.length < log.witnessesNeeded || indexes.length != r.length || r.length != vs.length) {
            revert WitnessesNeeded();
        }
        requireSignatures(origin, checkpointHash(origin, size, root), indexes, r, vs);
        if (log.isConsistent) requireConsistency(log, origin, size, root, proof);
        advance(stored, log, origin, size, root);
    }

    /// @notice Whether a leaf is in the log, by the root that was anchored for this size.
    /// @param leafHash SHA-256(0x00 || leaf).
    /// @param proof RFC 9162 inclusion proof, leaf side first.
    function verifyInclusion(bytes32 origin, uint64 size, uint64 index, bytes32 leafHash, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = rootAt[origin][size];
        return root != 0 && Rfc9162.verifyInclusion(index, size, leafHash, proof, root);
    }

    /// @notice What a witness signs for a checkpoint: the EIP-712 hash, bound to this chain and this contract.
    function checkpointHash(bytes32 origin, uint64 size, bytes32 root) public view returns (bytes32) {
        bytes32 domain =
            keccak256(abi.encode(DOMAIN_TYPE, keccak256("LedgerAnchor"), keccak256("1"), block.chainid, address(this)));
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(CHECKPOINT_TYPE, origin, size, root))));
    }

    /// @notice The witnesses of a log, in the order that signatures name them by.
    function witnessesOf(bytes32 origin) external view returns (address[] memory) {
        return witnesses[origin];
    }

    /// @notice Opens a log: from now on its sequencer can anchor.
    /// @param origin SHA-256 of the log's origin line, without the newline.
    /// @param stepBits An anchor moves the size by at most 2^stepBits, so that a stolen key cannot use all sizes up at once.
    function openLog(bytes32 origin, address sequencer, uint8 stepBits, bool isConsistent) external onlyOwner {
        if (logs[origin].stepBits != 0) revert LogExists();
        requireStep(stepBits);
        logs[origin] = Log(sequencer, 0, stepBits, 0, isConsistent);
        emit LogOpened(origin, sequencer, stepBits);
        if (isConsistent) emit ConsistencyRequired(origin, 0);
    }

    /// @notice Names another sequencer; the zero address is nobody, until another is named.
    function setSequencer(bytes32 origin, address sequencer) external onlyOwner onlyOpen(origin) {
        logs[origin].sequencer = sequencer;
        emit SequencerChanged(origin, sequencer);
    }

    /// @notice Changes how far one anchor may move the size.
    function setStep(bytes32 origin, uint8 stepBits) external onlyOwner onlyOpen(origin) {
        requireStep(stepBits);
        logs[origin].stepBits = stepBits;
        emit StepChanged(origin, stepBits);
    }

    /// @notice Demands a consistency proof of every anchor from now on. Nobody can take this back.
    function requireConsistencyFromNow(bytes32 origin) external onlyOwner onlyOpen(origin) {
        logs[origin].isConsistent = true;
        emit ConsistencyRequired(origin, logs[origin].size);
    }

    /// @notice Names the witnesses of a log, and how many of them must sign each checkpoint; none and 0 for no witnesses.
    /// @param list Ascending, so that no address stands in it twice.
    function setWitnesses(bytes32 origin, address[] calldata list, uint8 needed) external onlyOwner onlyOpen(origin) {
        if (list.length > WITNESSES_MAX || needed > list.length) revert BadWitnessSet();
        address before = address(0);
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] <= before) revert BadWitnessSet();
            before = list[i];
        }
        witnesses[origin] = list;
        logs[origin].witnessesNeeded = needed;
        emit WitnessesChanged(origin, list, needed);
    }

    /// @notice Closes a log for ever and says which log goes on. What was anchored stays and is still answered for.
    /// @param successor A log that is open here.
    function declareSuccessor(bytes32 origin, bytes32 successor)
        external
        onlyOwner
        onlyOpen(origin)
        onlyOpen(successor)
    {
        if (origin == successor) revert LogExists();
        successorOf[origin] = successor;
        // Nobody has the zero address's key, so that an anchor needs no look at the successor.
        logs[origin].sequencer = address(0);
        emit SuccessorDeclared(origin, successor);
    }

    /// @notice Offers the ownership; it changes hands when the other side accepts. Offered to nobody, it is withdrawn.
    function offerOwnership(address to) external onlyOwner {
        pendingOwner = to;
        emit OwnershipOffered(to);
    }

    /// @notice Accepts the ownership that was offered to the caller.
    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotPendingOwner();
        owner = msg.sender;
        pendingOwner = address(0);
        emit OwnershipTaken(msg.sender);
    }

    function logOfSender(bytes32 origin) private view returns (Log storage stored, Log memory log) {
        stored = logs[origin];
        log = stored;
        if (msg.sender != log.sequencer) revert NotSequencer();
    }

    function advance(Log storage stored, Log memory log, bytes32 origin, uint64 size, bytes32 root) private {
        if (size <= log.size || size > SIZE_MAX) revert SizeNotGrowing();
        unchecked {
            if (size - log.size > uint256(1) << log.stepBits) revert StepTooLarge();
        }
        if (root == 0) revert ZeroRoot();
        stored.size = size;
        rootAt[origin][size] = root;
        emit Anchored(origin, size, root);
    }

    function requireConsistency(Log memory log, bytes32 origin, uint64 size, bytes32 root, bytes32[] calldata proof)
        private
        view
    {
        uint64 before = log.size;
        if (before == 0) {
            if (proof.length != 0) revert NotConsistent();
            return;
        }
        if (size <= before) revert SizeNotGrowing();
        if (!Rfc9162.verifyConsistency(before, size, rootAt[origin][before], root, proof)) revert NotConsistent();
    }

    function requireSignatures(
        bytes32 origin,
        bytes32 hash,
        uint8[] calldata indexes,
        bytes32[] calldata r,
        bytes32[] calldata vs
    ) private view {
        address[] storage list = witnesses[origin];
        for (uint256 i = 0; i < indexes.length; ++i) {
            if (i != 0 && indexes[i] <= indexes[i - 1]) revert BadWitnessSignature(i);
            bytes32 s = vs[i] & bytes32(type(uint256).max >> 1);
            uint8 v = 27 + uint8(uint256(vs[i]) >> 255);
            address signer = uint256(s) > SECP256K1_HALF_ORDER ? address(0) : ecrecover(hash, v, r[i], s);
            if (signer == address(0) || indexes[i] >= list.length || signer != list[indexes[i]]) {
                revert BadWitnessSignature(i);
            }
        }
    }

    function requireStep(uint8 stepBits) private pure {
        if (stepBits == 0 || stepBits > 62) revert BadStep();
    }
}
