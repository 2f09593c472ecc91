// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs of a transparency log's Merkle tree over SHA-256 (RFC 9162, section 2.1)
/// @dev All arithmetic is on sizes and indexes of at most 64 bits, so nothing here can overflow.
library Rfc9162 {
    /// @notice Whether the path leads from the leaf at this index to the root of the tree of this size (section 2.1.3).
    /// @dev False for an index outside the tree, and for a path that is a hash too short or too long.
    function verifyInclusion(uint64 index, uint64 size, bytes32 leafHash, bytes32[] calldata path, bytes32 root)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false;
        unchecked {
            uint256 place = index;
            uint256 last = size - 1;
            uint256 i = 0;
            bytes32 hash = leafHash;
            // Until the way meets that of the last leaf, each level has a sibling.
            while (place != last) {
                if (i == path.length) return false;
                bytes32 sibling = hashAt(path, i++);
                hash = place & 1 == 1 ? node(sibling, hash) : node(hash, sibling);
                place >>= 1;
                last >>= 1;
            }
            // From there on it is the right edge of the tree, which has siblings on the left alone.
            while (place != 0) {
                if (place & 1 == 1) {
                    if (i == path.length) return false;
                    hash = node(hashAt(path, i++), hash);
                }
                place >>= 1;
            }
            return i == path.length && hash == root;
        }
    }

    /// @notice Whether the path proves that the tree of the first size is the beginning of the tree of the second (section 2.1.4).
    /// @dev The first size is at least 1 and less than the second; the caller has made sure.
    function verifyConsistency(
        uint64 firstSize,
        uint64 secondSize,
        bytes32 firstRoot,
        bytes32 secondRoot,
        bytes32[] calldata path
    ) internal view returns (bool) {
        unchecked {
            uint256 place = firstSize - 1;
            uint256 last = secondSize - 1;
            // The way starts at the last complete subtree of the first tree, which both trees have.
            while (place & 1 == 1) {
                place >>= 1;
                last >>= 1;
            }
            uint256 i = 0;
            bytes32 first = firstRoot;
            // Where that is the first tree itself, its root is known; otherwise the path begins with it.
            if (place != 0) {
                if (path.length == 0) return false;
                first = hashAt(path, i++);
            }
            bytes32 second = first;
            // What lies on the left is in both trees, what lies on the right in the second alone.
            while (place != last) {
                if (i == path.length) return false;
                bytes32 sibling = hashAt(path, i++);
                if (place & 1 == 1) {
                    first = node(sibling, first);
                    second = node(sibling, second);
                } else {
                    second = node(second, sibling);
                }
                place >>= 1;
                last >>= 1;
            }
            while (place != 0) {
                if (place & 1 == 1) {
                    if (i == path.length) return false;
                    bytes32 sibling = hashAt(path, i++);
                    first = node(sibling, first);
                    second = node(sibling, second);
                }
                place >>= 1;
            }
            return i == path.length && first == firstRoot && second == secondRoot;
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
