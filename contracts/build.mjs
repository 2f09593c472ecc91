// Compiles the contracts and writes, for each, what the client and the tests need: ABI, creation code, code at the address.
// With --check nothing is written, and what is committed must be what comes out.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const solc = createRequire(import.meta.url)('solc');
const here = new URL('./', import.meta.url);
const contracts = {
  src: ['LedgerAnchor'],
  test: ['InclusionProbe'],
};

const sources = Object.fromEntries(Object.keys(contracts).flatMap(folder => readdirSync(new URL(folder, here))
  .filter(name => name.endsWith('.sol'))
  .map(name => [`${folder}/${name}`, { content: readFileSync(new URL(`${folder}/${name}`, here), 'utf8') }])));

const output = JSON.parse(solc.compile(JSON.stringify({
  language: 'Solidity',
  sources,
  settings: {
    // What the newest hardforks add is not needed, and other chains are slower to follow.
    evmVersion: 'shanghai',
    viaIR: true,
    optimizer: { enabled: true, runs: 10000 },
    // No hash of the sources behind the code: the code at an address is compared byte for byte.
    metadata: { appendCBOR: false, bytecodeHash: 'none' },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  },
})));

const complaints = output.errors ?? [];
complaints.forEach(complaint => console.error(complaint.formattedMessage));
if (complaints.length > 0) process.exit(1);

for (const [folder, names] of Object.entries(contracts)) {
  for (const name of names) {
    const { abi, evm } = output.contracts[`${folder}/${name}.sol`][name];
    const artifact = { contract: name, compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}`, deployedBytecode: `0x${evm.deployedBytecode.object}` };
    const text = `${JSON.stringify(artifact, null, 2)}\n`;
    const file = new URL(`compiled/${name}.json`, here);
    if (process.argv.includes('--check')) {
      if (readFileSync(file, 'utf8') !== text) {
        console.error(`compiled/${name}.json is not what ${folder}/${name}.sol compiles to: run npm run build.`);
        process.exitCode = 1;
      }
    } else {
      writeFileSync(file, text);
    }
  }
}
