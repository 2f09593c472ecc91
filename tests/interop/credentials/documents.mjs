// Data Integrity beside @digitalbazaar/vc: what a running registry has issued with an embedded proof, and what that library signs itself.
//   node documents.mjs tamper HTTP_URL PUBLIC_URL FILE    prints "refused VARIANT" or "accepted VARIANT" for each tampered copy of the credential in the file
//   node documents.mjs sign                               prints a credential that the library signed with a key of its own (a did:key)
//   node documents.mjs faces HTTP_URL                     has the library verify what the VC API of a registry issues, and that API verify what the library signs
//   node documents.mjs measure FILE SECONDS               prints how often a second of processor verifies that credential
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import { createSignCryptosuite, createVerifyCryptosuite } from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import { Registry } from "./registry.mjs";

const [command, ...args] = process.argv.slice(2);
const clone = (value) => JSON.parse(JSON.stringify(value));

/** Finds a verification method, or the document that it stands in, in one DID document. */
const loaderOf = (didDocument) => async (url) => {
  const [did, fragment] = url.split("#");
  assert.equal(did, didDocument.id, `${url} is not known here`);
  const found = fragment === undefined ? didDocument : didDocument.verificationMethod.find((method) => method.id === url);
  assert.ok(found, `${url} is not in the document`);
  return { document: { "@context": didDocument["@context"], ...found } };
};

const verify = (credential, documentLoader, checkStatus, options = {}) =>
  vc.verifyCredential({ credential: clone(credential), suite: new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() }), documentLoader, checkStatus, ...options });

/** The document that a did:key stands for. */
function didKeyDocument(did) {
  const publicKeyMultibase = did.slice("did:key:".length);
  const method = { id: `${did}#${publicKeyMultibase}`, type: "Multikey", controller: did, publicKeyMultibase };
  return { "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"], id: did, assertionMethod: [method.id], verificationMethod: [method] };
}

/** A key of our own as a did:key. */
async function ownKey() {
  const key = await Ed25519Multikey.generate();
  const didDocument = didKeyDocument(`did:key:${key.publicKeyMultibase}`);
  Object.assign(key, { id: didDocument.assertionMethod[0], controller: didDocument.id });
  return { key, didDocument };
}

const signed = (credential, key, documentLoader) =>
  vc.issue({ credential: clone(credential), suite: new DataIntegrityProof({ signer: key.signer(), cryptosuite: createSignCryptosuite() }), documentLoader });

// In front: what is added behind the contexts is, by the suite's rules, not signed.
const changed = (value) => {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return `${value}x`;
  return Array.isArray(value) ? ["x", ...value] : { ...value, x: 1 };
};

function* changes(credential) {
  const of = (change) => {
    const copy = clone(credential);
    change(copy);
    return copy;
  };
  for (const name of Object.keys(credential)) {
    if (name !== "proof") yield [`${name} changed`, of((copy) => (copy[name] = changed(copy[name])))];
    yield [`${name} removed`, of((copy) => delete copy[name])];
  }
  for (const name of Object.keys(credential.proof)) {
    yield [`proof ${name} changed`, of((copy) => (copy.proof[name] = changed(copy.proof[name])))];
    yield [`proof ${name} removed`, of((copy) => delete copy.proof[name])];
  }
  yield ["a member added", of((copy) => (copy.admin = true))];
  yield ["another subject", of((copy) => (copy.credentialSubject.id = "did:web:attacker.example"))];
  yield ["another key bound", of((copy) => (copy.cnf.jkt = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))];
  yield ["a wider envelope", of((copy) => copy.authorization_details[0].actions.push("delete"))];
  yield ["another issuer", of((copy) => (copy.issuer = "did:web:attacker.example"))];
  yield ["another place in the status list", of((copy) => (copy.credentialStatus.statusListIndex = "1"))];
  yield ["the signature of nobody", of((copy) => (copy.proof.proofValue = "z"))];
  yield ["the signature cut", of((copy) => (copy.proof.proofValue = copy.proof.proofValue.slice(0, -1)))];
  yield ["the signature of zeros", of((copy) => (copy.proof.proofValue = "z" + "1".repeat(64)))];
  for (const suite of ["eddsa-rdfc-2022", "ecdsa-jcs-2019", "eddsa-jcs-2023"]) yield [`cryptosuite ${suite}`, of((copy) => (copy.proof.cryptosuite = suite))];
  for (const purpose of ["authentication", "capabilityInvocation"]) yield [`purpose ${purpose}`, of((copy) => (copy.proof.proofPurpose = purpose))];
  yield ["a proof with a domain", of((copy) => (copy.proof.domain = "https://attacker.example"))];
  yield ["contexts swapped", of((copy) => copy["@context"].reverse())];
  yield ["contexts swapped in proof and document", of((copy) => [copy, copy.proof].forEach((one) => one["@context"].reverse()))];
}

async function tamper(httpUrl, publicUrl, file) {
  const registry = await Registry.at(httpUrl, publicUrl);
  const didDocument = await (await fetch(`${httpUrl}/.well-known/did.json`)).json();
  assert.equal(didDocument.id, registry.did);
  const [credential, loader] = [JSON.parse(await readFile(file, "utf8")), loaderOf(didDocument)];
  const check = (one, options) => verify(one, loader, ({ credential: asked }) => registry.checkStatus(asked), options);

  const genuine = await check(credential);
  assert.ok(genuine.verified, JSON.stringify(genuine, null, 1));

  const thief = await ownKey();
  const { proof, ...unsigned } = credential;
  const theirs = await signed(unsigned, thief.key, loaderOf(thief.didDocument));
  const variants = [
    ...changes(credential),
    ["signed by another key", theirs],
    ["signed by another key under the registry's name", { ...unsigned, proof: { ...theirs.proof, verificationMethod: proof.verificationMethod } }],
    ["when it has expired", credential, { now: new Date(Date.parse(credential.validUntil) + 301_000) }],
    ["before it begins", credential, { now: new Date(Date.parse(credential.validFrom) - 301_000) }],
  ];
  for (const [name, variant, options] of variants) console.log(`${(await check(variant, options)).verified ? "accepted" : "refused"} ${name}`);
}

async function signOne() {
  const { key, didDocument } = await ownKey();
  const credential = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    type: ["VerifiableCredential"],
    issuer: didDocument.id,
    validFrom: "2024-11-03T06:41:04Z",
    credentialSubject: { id: "did:example:subject", name: "Grüße ☃ 😀", score: 4.5, small: 1e-7, list: [1, "two", null, { b: true, a: false }] },
  };
  return await signed(credential, key, loaderOf(didDocument));
}

const sign = async () => console.log(JSON.stringify(await signOne()));

async function faces(httpUrl) {
  const post = async (path, body) => {
    const response = await fetch(httpUrl + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const theirs = await signOne();
  const { issuer, proof, ...unsigned } = theirs;
  const issued = await post("/credentials/issue", { credential: unsigned });
  assert.equal(issued.status, 201);
  const checked = await verify(issued.body, loaderOf(didKeyDocument(issued.body.issuer)), () => ({ verified: true }));
  assert.ok(checked.verified, JSON.stringify(checked, null, 1));
  for (const [credential, status] of [[issued.body, 200], [theirs, 200], [{ ...theirs, name: "changed" }, 400]])
    assert.equal((await post("/credentials/verify", { verifiableCredential: credential, options: { checks: ["proof"] } })).status, status);
}

async function measure(file, seconds) {
  const credential = JSON.parse(await readFile(file, "utf8"));
  const loader = loaderOf(didKeyDocument(credential.issuer));
  const end = performance.now() + 1000 * Number(seconds);
  const before = process.cpuUsage();
  let count = 0;
  for (; performance.now() < end; count++) assert.ok((await verify(credential, loader)).verified);
  const { user, system } = process.cpuUsage(before);
  console.log((1e6 * count) / (user + system));
}

await { tamper, sign, faces, measure }[command](...args);
