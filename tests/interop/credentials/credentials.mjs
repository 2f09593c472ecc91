// Other people's libraries check what a running registry has issued: jose the credential, @sd-jwt/jwt-status-list and @digitalbazaar/vc-bitstring-status-list its status.
//   node credentials.mjs tamper HTTP_URL PUBLIC_URL AUDIENCE CREDENTIAL             prints "refused VARIANT" or "accepted VARIANT" for each tampered copy
//   node credentials.mjs status HTTP_URL PUBLIC_URL AUDIENCE CREDENTIAL WAIT_FOR    waits until both lists say WAIT_FOR (0 or 1) of it, and prints the seconds
// HTTP_URL is where the registry listens, PUBLIC_URL what it is called.
import assert from "node:assert/strict";
import { getListFromStatusListJWT, getStatusListFromJWT } from "@sd-jwt/jwt-status-list";
import * as jose from "jose";
import { Registry } from "./registry.mjs";

const [command, httpUrl, publicUrl, audience, credential, waitFor] = process.argv.slice(2);
const WAIT_SECONDS = 40;
const registry = await Registry.at(httpUrl, publicUrl);
const { did, jwks, keys } = registry;

const verify = (token, options = {}) =>
  jose.jwtVerify(token, keys, { algorithms: ["ES256"], typ: "vc+jwt", issuer: did, audience, requiredClaims: ["exp", "nbf", "sub", "jti", "cnf"], ...options });

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));

/** The same signature as TLS and X.509 write it. */
function der(signature) {
  const integer = (bytes) => {
    const digits = bytes[0] & 0x80 ? [0, ...bytes] : [...bytes];
    return [2, digits.length, ...digits];
  };
  const both = [...integer(signature.subarray(0, 32)), ...integer(signature.subarray(32))];
  return [0x30, both.length, ...both];
}

async function* variants() {
  const [header, payload, signature] = credential.split(".");
  const [fields, claims] = [decode(header), decode(payload)];
  const bytes = Buffer.from(signature, "base64url");
  const withHeader = (change) => `${encode({ ...fields, ...change })}.${payload}.${signature}`;
  const withSignature = (changed) => `${header}.${payload}.${Buffer.from(changed).toString("base64url")}`;

  for (const [name, value] of Object.entries(claims)) {
    const changed = typeof value === "number" ? value + 1 : typeof value === "string" ? `${value}x` : Array.isArray(value) ? [...value, "x"] : { ...value, x: 1 };
    yield [`${name} changed`, `${header}.${encode({ ...claims, [name]: changed })}.${signature}`];
    const { [name]: _, ...rest } = claims;
    yield [`${name} removed`, `${header}.${encode(rest)}.${signature}`];
  }
  yield ["a claim added", `${header}.${encode({ ...claims, admin: true })}.${signature}`];
  yield ["the same claims in another spelling", `${header}.${encode(JSON.stringify(claims, null, 1))}.${signature}`];

  for (const alg of ["none", "HS256", "ES384", "ES512", "RS256", "PS256", "EdDSA"]) yield [`alg ${alg}`, withHeader({ alg })];
  yield ["alg none without a signature", `${encode({ ...fields, alg: "none" })}.${payload}.`];
  for (const typ of ["JWT", "statuslist+jwt", "dpop+jwt"]) yield [`typ ${typ}`, withHeader({ typ })];
  yield ["kid of nobody", withHeader({ kid: `${did}#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA` })];
  yield ["crit", withHeader({ crit: ["x"], x: 1 })];
  yield ["b64 false", withHeader({ crit: ["b64"], b64: false })];

  const thief = await jose.generateKeyPair("ES256");
  const thiefs = { ...(await jose.exportJWK(thief.publicKey)), kid: fields.kid };
  yield ["signed by another key", await new jose.SignJWT(claims).setProtectedHeader(fields).sign(thief.privateKey)];
  yield ["signed by another key that it brings along", await new jose.SignJWT(claims).setProtectedHeader({ ...fields, jwk: thiefs }).sign(thief.privateKey)];
  yield ["HMAC with the public key", await new jose.SignJWT(claims).setProtectedHeader({ ...fields, alg: "HS256" }).sign(Buffer.from(JSON.stringify(jwks.keys[0])))];

  for (const at of [0, 31, 32, 63]) yield [`signature with byte ${at} changed`, withSignature(bytes.map((one, index) => (index === at ? one ^ 1 : one)))];
  yield ["signature of zeros", withSignature(Buffer.alloc(64))];
  yield ["signature with r and s swapped", withSignature([...bytes.subarray(32), ...bytes.subarray(0, 32)])];
  yield ["signature cut", withSignature(bytes.subarray(0, 63))];
  yield ["signature longer", withSignature([...bytes, 0])];
  yield ["signature empty", `${header}.${payload}.`];
  yield ["signature in DER", withSignature(der(bytes))];
  yield ["two parts", `${header}.${payload}`];
  yield ["four parts", `${credential}.${signature}`];
  yield ["parts swapped", `${payload}.${header}.${signature}`];
  yield ["empty", ""];

  yield ["when it has expired", credential, { currentDate: new Date(claims.exp * 1000) }];
  yield ["before it begins", credential, { currentDate: new Date((claims.nbf - 60) * 1000) }];
  yield ["before another audience", credential, { audience: "https://attacker.example" }];
  yield ["as another registry's", credential, { issuer: "did:web:attacker.example" }];
  yield ["as a status list", credential, { typ: "statuslist+jwt" }];
}

async function tamper() {
  const { payload, protectedHeader } = await verify(credential);
  assert.equal(protectedHeader.kid.split("#")[0], payload.issuer);
  assert.equal(payload.sub, payload.credentialSubject.id);
  for await (const [name, token, options] of variants()) {
    const outcome = await verify(token, options).then(() => "accepted", () => "refused");
    console.log(`${outcome} ${name}`);
  }
}

async function tokenListStatus() {
  const { idx, uri } = getStatusListFromJWT(credential);
  const token = await registry.get(uri, "application/statuslist+jwt");
  await jose.jwtVerify(token, keys, { algorithms: ["ES256"], typ: "statuslist+jwt", subject: uri, requiredClaims: ["exp", "iat", "ttl"] });
  return getListFromStatusListJWT(token).getStatus(idx);
}

async function bitstringStatus() {
  const checked = await registry.checkStatus(jose.decodeJwt(credential));
  assert.ok(checked.verified, checked.error?.stack);
  return checked.results[0].status ? 1 : 0;
}

async function status() {
  const begun = Date.now();
  const wanted = Number(waitFor);
  for (;;) {
    const [ietf, w3c] = [await tokenListStatus(), await bitstringStatus()];
    const seconds = (Date.now() - begun) / 1000;
    if (ietf === wanted && w3c === wanted) return console.log(seconds);
    assert.ok(seconds < WAIT_SECONDS, `after ${seconds} s the lists say ${ietf} and ${w3c}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

await { tamper, status }[command]();
