// A running registry as other people's software sees it: its keys, its DID document, its status lists.
import assert from "node:assert/strict";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";
import * as jose from "jose";

export class Registry {
  /** httpUrl is where the registry listens, publicUrl what it is called. */
  static async at(httpUrl, publicUrl) {
    const registry = new Registry();
    registry.httpUrl = httpUrl;
    registry.publicUrl = publicUrl;
    registry.did = `did:web:${new URL(publicUrl).host.replace(":", "%3A")}`;
    registry.jwks = await (await fetch(`${httpUrl}/.well-known/jwks.json`)).json();
    registry.keys = jose.createLocalJWKSet(registry.jwks);
    return registry;
  }

  /** What a URI names, fetched from where the registry listens. */
  async get(uri, mediaType) {
    assert.ok(uri.startsWith(`${this.publicUrl}/`), uri);
    const response = await fetch(this.httpUrl + uri.slice(this.publicUrl.length));
    assert.equal(response.status, 200, uri);
    assert.equal(response.headers.get("content-type"), mediaType);
    return await response.text();
  }

  /** The status of a credential by its W3C entry. The signature is around the list, not in it: jose verifies it, and there is no proof in the document to look for. */
  async checkStatus(credential) {
    const documentLoader = async (url) => {
      const { payload } = await jose.jwtVerify(await this.get(url, "application/vc+jwt"), this.keys, { algorithms: ["ES256"], typ: "vc+jwt", issuer: this.did });
      assert.equal(payload.id, url);
      return { document: payload };
    };
    return await checkStatus({ credential, documentLoader, verifyBitstringStatusListCredential: false });
  }
}
