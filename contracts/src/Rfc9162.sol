// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs of a transparency log's Merkle tree over SHA-256 (RFC 9162, section 2.1)
/// @dev All arithmetic is on sizes and indexes of at most 64 bits, so nothing here can overflow.
library Rfc9162 {
    /// @notice Whether the path leads from the leaf at this index to the root of the tree of this size (section 2.1.3.2).
    /// @dev False for an index outside the tree, and for a path that is a hash too short or too long.
    function verifyInclusion(uint64 index, uint64 size, bytes32 leafHash, bytes32[] calldata path, bytes32 root)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false;
        unchecked {
            uint256 fn = index;
            uint256 sn = size - 1;
            bytes32 hash = leafHash;
            for (uint256 i = 0; i < path.length; ++i) {
                if (sn == 0) return false;
                bytes32 sibling = hashAt(path, i);
                if (fn & 1 == 1 || fn == sn) {
                    hash = node(sibling, hash);
                    // Levels on which the last node has no sibling give none to the path.
                    while (fn & 1 == 0 && fn != 0) {
                        fn >>= 1;
                        sn >>= 1;
                    }
                } else {
                    hash = node(hash, sibling);
                }
                fn >>= 1;
                sn >>= 1;
            }
            return sn == 0 && hash == root;
        }
    }

    /// @notice Whether the path proves that the tree of the first size is the beginning of the tree of the second (section 2.1.4.2).
    /// @dev The first size is at least 1 and less than the second; the caller has made sure.
    function verifyConsistency(
        uint64 firstSize,
        uint64 secondSize,
        bytes32 firstRoot,
        bytes32 secondRoot,
        bytes32[] calldata path
    ) internal view returns (bool) {
        if (path.length == 0) return false;
        unchecked {
            uint256 fn = firstSize - 1;
            uint256 sn = secondSize - 1;
            while (fn & 1 == 1) {
                fn >>= 1;
                sn >>= 1;
            }
            // A first tree that is complete is itself where the path starts.
            uint256 i = fn == 0 ? 0 : 1;
            bytes32 fr = fn == 0 ? firstRoot : hashAt(path, 0);
            bytes32 sr = fr;
            for (; i < path.length; ++i) {
                if (sn == 0) return false;
                bytes32 sibling = hashAt(path, i);
                if (fn & 1 == 1 || fn == sn) {
                    fr = node(sibling, fr);
                    sr = node(sibling, sr);
                    while (fn & 1 == 0 && fn != 0) {
                        fn >>= 1;
                        sn >>= 1;
                    }
                } else {
                    sr = node(sr, sibling);
                }
                fn >>= 1;
                sn >>= 1;
            }
            return sn == 0 && fr == firstRoot && sr == secondRoot;
        }
    }

    /// @dev SHA-256(0x01 || left || right), by the precompiled contract at address 2, in memory that nobody has taken.
    function node(bytes32 left, bytes32 right) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            mstore(add(free, 1), left)
            mstore(add(free, 33), right)
            // It fails only where gas has run out; what lies at 0 would then be taken for a hash.
            if iszero(staticcall(gas(), 2, free, 65, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }

    /// @dev The caller's loop keeps i below the length; checking it again on each level would cost a tenth of the whole proof.
    function hashAt(bytes32[] calldata path, uint256 i) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := calldataload(add(path.offset, shl(5, i)))
        }
    }
}
