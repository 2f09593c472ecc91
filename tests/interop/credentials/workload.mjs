// An issuer of workload tokens, on jose: writes its public keys to JWKS_FILE, and prints COUNT tokens, one a line.
//   node workload.mjs ALG ISSUER AUDIENCE SUBJECT JWKS_FILE COUNT
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import * as jose from "jose";

const [algorithm, issuer, audience, subject, jwksFile, count] = process.argv.slice(2);
const { publicKey, privateKey } = await jose.generateKeyPair(algorithm);
const kid = await jose.calculateJwkThumbprint(await jose.exportJWK(publicKey));
writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...(await jose.exportJWK(publicKey)), kid, alg: algorithm, use: "sig" }] }));
for (let made = 0; made < Number(count); made++) {
  const claims = { image_digest: "sha256:5f5f", "kubernetes.io": { namespace: "research" } };
  const token = new jose.SignJWT(claims).setProtectedHeader({ alg: algorithm, kid }).setIssuer(issuer).setAudience([audience]).setSubject(subject);
  console.log(await token.setIssuedAt().setNotBefore("0s").setExpirationTime("10m").setJti(randomUUID()).sign(privateKey));
}
