// Writes did:webvh logs with other people's library, each in another way that the method has, and says in one JSON array what each resolves to.
//
//     node write.mjs
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { createDID, deactivateDID, deriveNextKeyHash, multibaseEncode, MultibaseEncoding, prepareDataForSigning, signWitnessProofEntries, updateDID } from 'didwebvh-ts'

const base58 = bytes => multibaseEncode(bytes, MultibaseEncoding.BASE58_BTC)
const at = minute => `2026-01-31T12:0${minute}:00Z`

// The library leaves Ed25519 to its user: this is Node's.
const verifier = {
  async verify(signature, message, publicKey) {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }, format: 'jwk' })
    return verify(null, message, key, signature)
  },
}

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const multikey = base58(Buffer.concat([Buffer.from([0xed, 0x01]), Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')]))
  const signer = {
    getVerificationMethodId: () => `did:key:${multikey}#${multikey}`,
    sign: async ({ document, proof }) => ({ proofValue: base58(sign(null, await prepareDataForSigning(document, proof), privateKey)) }),
  }
  return { multikey, signer, id: `did:key:${multikey}`, updates: { signer, verifier }, document: [{ type: 'Multikey', publicKeyMultibase: multikey }] }
}

const keys = Array.from({ length: 4 }, newKey)
const witnesses = Array.from({ length: 3 }, newKey)
const hashes = await Promise.all(keys.map(key => deriveNextKeyHash(key.multikey)))

const begin = options => createDID({ ...keys[0].updates, domain: 'agents.example', updateKeys: [keys[0].multikey], verificationMethods: keys[0].document, created: at(0), ...options })
const goOn = (before, key, minute, options) => updateDID({ ...key.updates, log: before.log, verificationMethods: key.document, updated: at(minute), ...options })
const approve = (version, approving) => signWitnessProofEntries([version], approving.map(({ id }) => ({ id })), Object.fromEntries(approving.map(({ id, signer }) => [id, signer])))

const written = []
const say = (name, { did, doc, meta, log }, proofs = null) => written.push({ name, did, document: doc, deactivated: meta.deactivated, log: log.map(line => `${JSON.stringify(line)}\n`).join(''), proofs: proofs && JSON.stringify(proofs) })

const plain = await begin({ paths: ['research', 'reader'], alsoKnownAsWeb: true })
say('one version', plain)
const handedOn = await goOn(plain, keys[0], 1, { updateKeys: [keys[1].multikey] })
say('keys handed on', await goOn(handedOn, keys[1], 2, { updateKeys: [keys[2].multikey, keys[3].multikey] }))
say('ended', await deactivateDID({ ...keys[1].updates, log: handedOn.log }))

const committed = await begin({ nextKeyHashes: [hashes[1], hashes[3]], portable: true })
const revealed = await goOn(committed, keys[1], 1, { updateKeys: [keys[1].multikey], nextKeyHashes: [hashes[2]] })
say('pre-rotation', revealed)
say('pre-rotation, moved to another host and port', await goOn(revealed, keys[2], 2, { updateKeys: [keys[2].multikey], nextKeyHashes: [hashes[3]], domain: 'elsewhere.example%3A8443', verifier }))

const witness = { threshold: 2, witnesses: witnesses.map(({ id }) => ({ id })) }
const witnessed = await begin({ witness, watchers: ['https://watcher.example'] })
say('two of three witnesses', witnessed, await approve(witnessed.meta.versionId, [witnesses[2], witnesses[0]]))
const second = await goOn(witnessed, keys[0], 1, { witness, witnessProofs: await approve(witnessed.meta.versionId, witnesses) })
say('other two of three witnesses, for both versions at once', second, await approve(second.meta.versionId, [witnesses[1], witnesses[2]]))

console.log(JSON.stringify(written))
