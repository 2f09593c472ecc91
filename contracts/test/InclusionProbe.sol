// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LedgerAnchor} from "../src/LedgerAnchor.sol";

/// @title What it costs another contract to ask the anchor whether a leaf is in the log
contract InclusionProbe {
    /// @return included What the anchor says.
    /// @return gasUsed All that the call took, the first touch of the anchor's address and of the root's slot included.
    function measure(
        LedgerAnchor ledger,
        bytes32 origin,
        uint64 size,
        uint64 index,
        bytes32 leafHash,
        bytes32[] calldata proof
    ) external view returns (bool included, uint256 gasUsed) {
        uint256 before = gasleft();
        included = ledger.verifyInclusion(origin, size, index, leafHash, proof);
        gasUsed = before - gasleft();
    }
}
