// Resolves an agent of a running registry with other people's libraries, and hands them logs that were tampered with.
//
//     node resolve.mjs DID_WEB DID_WEBVH
//
// Says in one JSON object what did:web and did:webvh resolved to, how many tampered logs were refused, and which were not.
import { createPublicKey, verify } from 'node:crypto'
import { Resolver } from 'did-resolver'
import { getResolver } from 'web-did-resolver'
import { resolveDID, resolveDIDFromLog } from 'didwebvh-ts'

const [web, webvh] = process.argv.slice(2)
console.warn = () => {}

// The library leaves Ed25519 to its user: this is Node's.
const verifier = {
  async verify(signature, message, publicKey) {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }, format: 'jwk' })
    return verify(null, message, key, signature)
  },
}

const location = did => {
  const [host, ...path] = did.split(':').slice(3).map(decodeURIComponent)
  return `https://${host}/${path.length ? path.join('/') : '.well-known'}/did.jsonl`
}

const resolvedWeb = await new Resolver(getResolver()).resolve(web)
const resolvedWebvh = await resolveDID(webvh, { verifier })
const lines = (await (await fetch(location(webvh))).text()).trimEnd().split('\n').map(line => JSON.parse(line))

const flip = text => text.slice(0, -1) + (text.endsWith('a') ? 'b' : 'a')
const changes = {
  'another key in the document': entry => { entry.state.alsoKnownAs = ['did:web:thief.example'] },
  'another id': entry => { entry.state.id += 'x' },
  'another SCID in the id': entry => { entry.state.id = entry.state.id.replace(entry.state.id.split(':')[2], flip(entry.state.id.split(':')[2])) },
  'another controller': entry => { entry.state.controller = 'did:web:thief.example' },
  'a later time': entry => { entry.versionTime = '2099-01-01T00:00:00Z' },
  'an earlier time': entry => { entry.versionTime = '2001-01-01T00:00:00Z' },
  'no time': entry => { delete entry.versionTime },
  'another version number': entry => { entry.versionId = '7' + entry.versionId.slice(1) },
  'another entry hash': entry => { entry.versionId = flip(entry.versionId) },
  'another update key': entry => { entry.parameters.updateKeys = ['z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG'] },
  'no update keys': entry => { delete entry.parameters.updateKeys },
  'another next key': entry => { entry.parameters.nextKeyHashes = ['QmS4ustL54uo8FzR9455qaxZwuMiUhyvMcX9Ba8nUH4uVv'] },
  'witnesses that nobody asked for': entry => { entry.parameters.witness = { threshold: 1, witnesses: [{ id: 'did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG' }] } },
  'another method': entry => { entry.parameters.method = 'did:webvh:0.5' },
  'no proof': entry => { delete entry.proof },
  'an empty proof value': entry => { entry.proof[0].proofValue = '' },
  'another proof value': entry => { entry.proof[0].proofValue = flip(entry.proof[0].proofValue) },
  'another suite': entry => { entry.proof[0].cryptosuite = 'ecdsa-jcs-2019' },
  'another purpose': entry => { entry.proof[0].proofPurpose = 'authentication' },
  'another proof time': entry => { entry.proof[0].created = '2001-01-01T00:00:00Z' },
  'the key of somebody else': entry => { entry.proof[0].verificationMethod = 'did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG#z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG' },
}

const accepted = []
let refused = 0
for (const [name, change] of Object.entries(changes)) {
  for (const at of lines.keys()) {
    const log = structuredClone(lines)
    change(log[at])
    const isRefused = await resolveDIDFromLog(log, { verifier, requestedDid: webvh, scid: webvh.split(':')[2] }).then(result => Boolean(result.meta.error), () => true)
    if (isRefused)
      refused++
    else
      accepted.push(`${name} in line ${at + 1}`)
  }
}

console.log(JSON.stringify({
  web: { document: resolvedWeb.didDocument, error: resolvedWeb.didResolutionMetadata.error ?? null },
  webvh: { document: resolvedWebvh.doc ?? null, deactivated: resolvedWebvh.meta.deactivated ?? false, versionId: resolvedWebvh.meta.versionId ?? null, error: resolvedWebvh.meta.error ?? null, detail: resolvedWebvh.meta.problemDetails?.detail ?? null },
  versions: lines.length, refused, accepted,
}))
