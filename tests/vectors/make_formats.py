#!/usr/bin/env python3
"""Makes formats.json, and the examples in docs/formats.md, with an implementation of its own: the standard library of Python 3, nothing of the product.

    python3 tests/vectors/make_formats.py           writes both files
    python3 tests/vectors/make_formats.py --check   exit code 1 when they would change

Everything here is public: the keys are hashes of their names.
"""
import base64
import functools
import gzip
import hashlib
import hmac
import json
import pathlib
import re
import sys
import textwrap
import uuid
import zlib

from anchors import address, anchor_journal
from curves import P256

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE / "formats.json"
DOCUMENT = HERE.parent.parent / "docs" / "formats.md"


# --- bytes -----------------------------------------------------------------------------------------------------------

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def sha512(*parts):
    return hashlib.sha512(b"".join(parts)).digest()


def u16(number):
    return number.to_bytes(2, "big")


def u64(number):
    return number.to_bytes(8, "big")


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def fixed(name):
    """32 bytes that stand for something random."""
    return sha256(b"agentidentity vectors: " + name.encode())


# --- deterministic CBOR (RFC 8949, section 4.2) -----------------------------------------------------------------------

def cbor(value):
    if isinstance(value, bool):
        raise TypeError("no booleans in our formats")
    if isinstance(value, int):
        return cbor_head(0, value)
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        return cbor_head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return cbor_head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        return cbor_head(5, len(value)) + b"".join(cbor(key) + cbor(value[key]) for key in sorted(value))
    raise TypeError(type(value))


def cbor_head(major, number):
    assert number >= 0
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise OverflowError(number)


def diagnostic(value):
    """The value in CBOR diagnostic notation (RFC 8949, section 8)."""
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(map(diagnostic, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {diagnostic(value[key])}" for key in sorted(value)) + "}"
    return str(value)


# --- JSON canonicalization (RFC 8785), for integers and short fractions ------------------------------------------------------------------

def jcs(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(jcs_string(name) + ":" + jcs(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    if isinstance(value, str):
        return jcs_string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        assert "e" not in repr(value) and not value.is_integer()
        return repr(value)
    assert isinstance(value, int) and abs(value) < 1 << 53
    return str(value)


def jcs_string(text):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


# --- the Merkle tree (RFC 6962, section 2.1) --------------------------------------------------------------------------

def tree_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\0", leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1", tree_root(leaves[:split]), tree_root(leaves[split:]))


def tree_path(leaves, index):
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = leaves[:split], leaves[split:]
    return tree_path(left, index) + [tree_root(right)] if index < split else tree_path(right, index - split) + [tree_root(left)]


# --- Ed25519 (RFC 8032, section 5.1), in affine coordinates: slow and short --------------------------------------------

ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493
ED_D = -121665 * pow(121666, -1, ED_P) % ED_P


def ed_add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = ED_D * x1 * x2 * y1 * y2 % ED_P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, -1, ED_P) % ED_P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, ED_P) % ED_P)


def ed_multiply(point, scalar):
    result = (0, 1)
    while scalar:
        if scalar & 1:
            result = ed_add(result, point)
        point = ed_add(point, point)
        scalar >>= 1
    return result


def ed_base():
    y = 4 * pow(5, -1, ED_P) % ED_P
    square = (y * y - 1) * pow(ED_D * y * y + 1, -1, ED_P) % ED_P
    x = pow(square, (ED_P + 3) // 8, ED_P)
    if x * x % ED_P != square:
        x = x * pow(2, (ED_P - 1) // 4, ED_P) % ED_P
    return (ED_P - x if x & 1 else x, y)


ED_B = ed_base()


def ed_encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def ed_scalar(seed):
    scalar = int.from_bytes(sha512(seed)[:32], "little")
    return scalar & ((1 << 254) - 8) | 1 << 254


def ed_public(seed):
    return ed_encode(ed_multiply(ED_B, ed_scalar(seed)))


def ed_sign(seed, message):
    r = int.from_bytes(sha512(sha512(seed)[32:], message), "little") % ED_L
    point = ed_encode(ed_multiply(ED_B, r))
    k = int.from_bytes(sha512(point, ed_public(seed), message), "little") % ED_L
    return point + ((r + k * ed_scalar(seed)) % ED_L).to_bytes(32, "little")


# --- ECDSA on P-256 (FIPS 186-5) with the nonces of RFC 6979 -----------------------------------------------------------

def ec_public(secret):
    x, y = P256.point(int.from_bytes(secret, "big"))
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def ec_sign(secret, message):
    (x, _), s = P256.sign(int.from_bytes(secret, "big"), sha256(message))
    return (x % P256.n).to_bytes(32, "big") + s.to_bytes(32, "big")


# --- keys and names ---------------------------------------------------------------------------------------------------

def thumbprint(jwk):
    required = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    return sha256(jcs({name: jwk[name] for name in required}).encode())


class Key:
    def __init__(self, name, alg, secret=None):
        self.name, self.alg, self.secret = name, alg, secret or fixed("key " + name)
        self.public = ec_public(self.secret) if alg == 1 else ed_public(self.secret)
        if alg == 1:
            self.jwk = {"kty": "EC", "crv": "P-256", "x": b64u(self.public[:32]), "y": b64u(self.public[32:])}
            self.spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + self.public
        else:
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64u(self.public)}
            self.spki = bytes.fromhex("302a300506032b6570032100") + self.public
        self.id = thumbprint(self.jwk)
        self.jose = "ES256" if alg == 1 else "EdDSA"

    def sign(self, message):
        return ec_sign(self.secret, message) if self.alg == 1 else ed_sign(self.secret, message)

    def vector(self):
        return {
            "name": self.name, "alg": self.alg, "secret": self.secret.hex(), "public": self.public.hex(), "jwk": jcs(self.jwk),
            "key_id": self.id.hex(), "key_id_text": b64u(self.id), "spki": self.spki.hex(),
        }


ISSUER, NEXT_ISSUER, LOG, NEXT_LOG = Key("issuer", 1), Key("next issuer", 1), Key("log", 2), Key("next log", 2)
OPERATOR_1, OPERATOR_2, ENFORCER, AGENT = Key("operator 1", 2), Key("operator 2", 1), Key("enforcer", 1), Key("agent", 2)
OPERATOR_3, BREAK_GLASS, WATCH, DID = Key("operator 3", 1), Key("break-glass", 2), Key("watch", 2), Key("did", 2)
STATING = Key("stating agent", 1)
NEXT_AGENT = Key("next agent", 1)
PASSKEY, PASSKEY_ORIGIN = Key("passkey", 1), "http://localhost:5003"
INTEGRITY = Key("integrity", 2)
MAIL_ENFORCER = Key("mail enforcer", 2)
WITNESS, WITNESS_NAME = Key("witness", 2), "witness.example/w1"

PUBLIC_URL = "https://localhost:5000"
ORIGIN = "localhost:5000"
REGISTRY_DID = "did:web:localhost%3A5000"

AGENT_ID = uuid.UUID("0192f0c1-7a00-7def-8123-456789abcdef")
REGISTRY_ID = uuid.UUID("0192f0c1-0000-7000-8000-000000000001")
OPERATOR_1_ID = uuid.UUID("0192f0c1-0000-7000-8000-000000000002")
OPERATOR_2_ID = uuid.UUID("0192f0c1-0000-7000-8000-000000000003")
ENFORCER_ID = uuid.UUID("0192f0c1-1000-7000-8000-000000000004")
MAIL_ENFORCER_ID = uuid.UUID("0192f0c1-1000-7000-8000-000000000007")
DELEGATE_ID = uuid.UUID("0192f0c1-7b00-7def-8123-456789abcdef")
STATING_ID = uuid.UUID("0192f0c1-7c00-7def-8123-456789abcdef")
OPERATOR_3_ID = uuid.UUID("0192f0c1-3000-7000-8000-000000000006")
TOKEN_ID = uuid.UUID("0192f0c1-2000-7000-8000-000000000005")
EVIDENCE_TOKEN_ID = uuid.UUID("0192f0c1-2000-7000-8000-000000000034")
JTIS = [uuid.UUID(f"0192f0c1-8000-7000-8000-00000000001{digit}") for digit in range(3)]

AGENT_DID = f"{REGISTRY_DID}:agents:{AGENT_ID}"
AT = 0x0192F0C17A00  # the milliseconds in the agent's id
SECONDS = AT // 1000
DAY = 24 * 3_600_000

SPONSOR = "Research desk"
BLUEPRINT = "summariser/2.1 model-x/5"
LABELS = [["jurisdiction", "eu"], ["team", "research"]]
STATED_LABELS = [["certification", "iso-27001"], ["version", "2.1.7"]]
ATTESTED_LABELS = [["image.digest", "sha256:" + "5f" * 32], ["oidc.iss", "https://issuer.example"], ["oidc.sub", "system:serviceaccount:research:summariser"]]
EVIDENCE_POLICY = [
    {"type": "oidc", "issuer": "https://issuer.example", "claims": {"sub": "system:serviceaccount:research:*", "/kubernetes.io/namespace": "research"}},
    {"type": "spiffe", "id": "spiffe://example.org/research/*"}, {"type": "vouch"}]
AUDIENCES = ["https://tools.example/documents", "https://tools.example/mail"]
ENVELOPE = [{"type": "documents", "actions": ["read", "comment/*"], "locations": ["https://tools.example/documents/*"], "maxDepth": 1, "notAfter": SECONDS + 86400}]
PASSED_ON = [{"type": "documents", "actions": ["read"], "locations": ["https://tools.example/documents/a/*"], "notAfter": SECONDS + 300}]
ENROLMENT_TOKEN = "aie_" + b64u(fixed("enrolment token"))
REPLACEMENT_TOKEN = "air_" + b64u(fixed("replacement token"))
BOOTSTRAP_SECRET = "aib_" + b64u(fixed("bootstrap secret"))
ERASURE_REASON = "a person has asked for it"
ERASURE_ACTION = {"type": "erase", "agent": str(AGENT_ID), "indexes": [5], "reason": ERASURE_REASON}


# --- tokens -----------------------------------------------------------------------------------------------------------

def jws(header, claims, key):
    signing_input = b64u(jcs(header).encode()) + "." + b64u(jcs(claims).encode())
    return {"header": jcs(header), "claims": jcs(claims), "token": signing_input + "." + b64u(key.sign(signing_input.encode()))}


def proof(typ, claims, key):
    return jws({"typ": typ, "alg": key.jose, "jwk": key.jwk}, claims, key)


def bootstrap_proof(name, key):
    return proof("agentid-bootstrap+jwt", {"aud": PUBLIC_URL, "iat": SECONDS, "secret_hash": b64u(sha256(BOOTSTRAP_SECRET.encode())), "name": name}, key)


def enrolment_proof(key=None, labels=(), evidence=None):
    claims = {"aud": PUBLIC_URL, "nonce": "the-challenge", "iat": SECONDS, "token_hash": b64u(sha256(ENROLMENT_TOKEN.encode()))}
    optional = ({"labels": dict(labels)} if labels else {}) | ({"evidence_hash": b64u(evidence)} if evidence else {})
    return proof("agentid-enrol+jwt", claims | optional, key or AGENT)


def vouch():
    return proof("agentid-vouch+jwt", {"aud": PUBLIC_URL, "iat": SECONDS, "jkt": b64u(STATING.id), "token_hash": b64u(sha256(ENROLMENT_TOKEN.encode()))}, AGENT)


def rotation_proof(key, **ground):
    """With the key id of the other key as jkt, or the token hash of an order."""
    return proof("agentid-rotate+jwt", {"agent": str(AGENT_ID), "aud": PUBLIC_URL, "iat": SECONDS, "nonce": "the-challenge"} | ground, key)


def rotation_proofs():
    return {
        "new_key": rotation_proof(NEXT_AGENT, jkt=b64u(AGENT.id)), "old_key": rotation_proof(AGENT, jkt=b64u(NEXT_AGENT.id)),
        "ordered": rotation_proof(NEXT_AGENT, token_hash=b64u(sha256(REPLACEMENT_TOKEN.encode()))), "replacement_token": REPLACEMENT_TOKEN, "challenge": "the-challenge",
    }


def operator_proof():
    return proof("agentid-operator+jwt", {"aud": PUBLIC_URL, "iat": SECONDS, "name": "third operator"}, OPERATOR_3)


def passkey_signed(typ, claims):
    """What a passkey signs: the challenge in the client data is that of the claims, and the signature is over what the authenticator saw."""
    header = {"typ": typ, "alg": "ES256", "jwk": PASSKEY.jwk}
    challenge = b64u(sha256(typ.encode() + b"\0", jcs(claims).encode()))
    client = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{PASSKEY_ORIGIN}","crossOrigin":false}}'.encode()
    authenticator = sha256(b"localhost") + bytes([0x05]) + (3).to_bytes(4, "big")
    signature = PASSKEY.sign(authenticator + sha256(client))
    parts = [jcs(header).encode(), jcs(claims).encode(), authenticator, client, signature]
    return {"header": jcs(header), "claims": jcs(claims), "challenge": challenge, "authenticator_data": authenticator.hex(), "client_data": client.decode(),
            "token": ".".join(b64u(part) for part in parts)}


def passkey_proof():
    return passkey_signed("agentid-operator+passkey", {"aud": PUBLIC_URL, "iat": SECONDS, "name": "third operator"})


def erasure_claims(indexes, later):
    return {"action": ERASURE_ACTION | {"indexes": list(indexes)}, "aud": PUBLIC_URL, "iat": SECONDS + later // 1000, "nonce": b64u(fixed("approval nonce"))}


def passkey_approval(indexes=(5,), later=0):
    return passkey_signed("agentid-approval+passkey", erasure_claims(indexes, later))


def approvals(indexes=(5,), later=0):
    """What two operators sign before activities are erased."""
    return [proof("agentid-approval+jwt", erasure_claims(indexes, later), key) for key in (OPERATOR_1, OPERATOR_2)]


def approved(action):
    """Two operators' approvals of another action."""
    claims = {"action": action, "aud": PUBLIC_URL, "iat": SECONDS, "nonce": b64u(fixed("approval nonce"))}
    return [proof("agentid-approval+jwt", claims, key)["token"] for key in (OPERATOR_1, OPERATOR_2)]


def erased_stub(index=5, by=12, later=0):
    """What stays of entry 5 when entry 12 has erased it."""
    numbered = [AGENT_ID.bytes, 2, AGENT.id, 0, sha256(FIRST_STATEMENT), bytes(32), AT + index, 2, by, AT + by + later]
    return {0: 1} | dict(enumerate(numbered, 1))


def authority_hash(envelope, act, certificate=None):
    bound = {"x5t#S256": b64u(certificate)} if certificate else {}
    return sha256(jcs({"authorization_details": envelope} | ({"act": act} if act else {}) | bound).encode())


def issuance_item(jti, audience, not_before, expires, status, authority):
    return cbor([jti.bytes, AGENT_ID.bytes, AGENT.id, audience, not_before, expires, status, authority])


def accepted(item, place):
    """What an enforcer reports of a credential: its item, and the claims that no item covers."""
    return cbor([item, SPONSOR, BLUEPRINT, LABELS, 4, place])


def rfc3339(seconds):
    days, rest = divmod(seconds, 86400)
    import datetime
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    return f"{day.isoformat()}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


STATUS_LIST_SIZE = 131_072
STATUS_TTL, STATUS_LIFE = 45, 60


def status_list_uri(number):
    return f"{PUBLIC_URL}/status/{number}"


def bitstring_entry(status):
    uri, place = f"{status_list_uri(status // STATUS_LIST_SIZE)}/bitstring", str(status % STATUS_LIST_SIZE)
    return {"id": f"{uri}#{place}", "type": "BitstringStatusListEntry", "statusPurpose": "suspension", "statusListIndex": place, "statusListCredential": uri}


def bitmap(stopped, size=STATUS_LIST_SIZE):
    """One bit for each place. The first place is the least significant bit of the first byte for the IETF, the most significant one for the W3C."""
    ietf, w3c = bytearray(size // 8), bytearray(size // 8)
    for place in stopped:
        ietf[place // 8] |= 1 << place % 8
        w3c[place // 8] |= 128 >> place % 8
    return bytes(ietf), bytes(w3c)


def issuer_header(**rest):
    return {"alg": "ES256", "kid": f"{REGISTRY_DID}#{b64u(ISSUER.id)}"} | rest


def status_lists(number, stopped):
    ietf, w3c = bitmap(stopped)
    uri, until = status_list_uri(number), SECONDS + STATUS_LIFE
    claims = {"sub": uri, "iat": SECONDS, "exp": until, "ttl": STATUS_TTL, "status_list": {"bits": 1, "lst": b64u(zlib.compress(ietf, 9))}}
    bitstring = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "id": f"{uri}/bitstring", "issuer": REGISTRY_DID, "iss": REGISTRY_DID,
        "iat": SECONDS, "exp": until, "validFrom": rfc3339(SECONDS), "validUntil": rfc3339(until),
        "credentialSubject": {"id": f"{uri}/bitstring#list", "type": "BitstringStatusList", "statusPurpose": "suspension", "ttl": STATUS_TTL * 1000,
                              "encodedList": "u" + b64u(gzip.compress(w3c, 9, mtime=0))},
    }
    return {"number": number, "stopped": sorted(stopped), "token_list": jws(issuer_header(typ="statuslist+jwt"), claims, ISSUER),
            "bitstring": jws(issuer_header(typ="vc+jwt", cty="vc"), bitstring, ISSUER)}


def credential(jti, act=None, stated=(), status=None, attested=(), certificate=None):
    status = JTIS.index(jti) if status is None else status
    claims = {
        "@context": ["https://www.w3.org/ns/credentials/v2", "urn:agentidentity:v1"],
        "type": ["VerifiableCredential", "AgentCredential"],
        "id": f"urn:uuid:{jti}", "jti": str(jti),
        "issuer": REGISTRY_DID, "iss": REGISTRY_DID,
        "credentialSubject": {"id": AGENT_DID, "blueprint": BLUEPRINT, "labels": dict(LABELS)} | ({"statedLabels": dict(stated)} if stated else {})
                             | ({"attestedLabels": dict(attested)} if attested else {}),
        "sub": AGENT_DID,
        "aud": AUDIENCES,
        "iat": SECONDS, "nbf": SECONDS, "exp": SECONDS + 600,
        "validFrom": rfc3339(SECONDS), "validUntil": rfc3339(SECONDS + 600),
        "status": {"status_list": {"idx": status % STATUS_LIST_SIZE, "uri": status_list_uri(status // STATUS_LIST_SIZE)}},
        "credentialStatus": bitstring_entry(status),
        "cnf": {"jkt": b64u(AGENT.id)} | ({"x5t#S256": b64u(certificate)} if certificate else {}),
        "authorization_details": ENVELOPE,
        "sponsor": SPONSOR,
        "ledger_index": 4, "ledger_position": 0,
    }
    if act:
        claims["act"] = act
    made = jws(issuer_header(typ="vc+jwt", cty="vc"), claims, ISSUER)
    proof = integrity_proof(claims, INTEGRITY, rfc3339(SECONDS), verificationMethod=f"{REGISTRY_DID}#{b64u(INTEGRITY.id)}")
    return made | {"token_hash": sha256(made["token"].encode()).hex(), "authority_hash": authority_hash(ENVELOPE, act, certificate).hex(), "act": jcs(act) if act else None,
                   "certificate": certificate.hex() if certificate else None, "document": jcs(claims | {"proof": proof})}


# --- statements -------------------------------------------------------------------------------------------------------

def commitment(salt, payload):
    return sha256(b"air/act/v1\0", salt, sha256(payload))


def statement(sequence, previous, kind, commitments, key=None):
    return (b"air/stmt/v1\0" + u16(len(ORIGIN)) + ORIGIN.encode() + AGENT_ID.bytes + (key or AGENT).id + u64(sequence) + previous
            + u64(AT) + bytes([kind]) + u16(len(commitments)) + b"".join(commitments))


COMMITMENTS = [commitment(fixed(f"activity salt {n}"), f"payload {n}".encode()) for n in range(2)]
FIRST_STATEMENT = statement(0, bytes(32), 1, COMMITMENTS)
SECOND_STATEMENT = statement(1, sha256(FIRST_STATEMENT), 4, [])
OTHER_FIRST_STATEMENT = statement(0, bytes(32), 1, COMMITMENTS[:1])


# --- entries: a log, one of each kind --------------------------------------------------------------------------------

ITEMS = [issuance_item(jti, AUDIENCES, SECONDS, SECONDS + 600, place, authority_hash(ENVELOPE, None)) for place, jti in enumerate(JTIS)]


def entry_bodies():
    grant = [SPONSOR, BLUEPRINT, LABELS, jcs(ENVELOPE), AUDIENCES]
    numbered = lambda *values: {number: value for number, value in enumerate(values, 1)}
    yield "genesis", 1, 1, REGISTRY_ID, [REGISTRY_ID], numbered(
        PUBLIC_URL, ORIGIN, [[1, 1, ISSUER.public], [2, 2, LOG.public], [4, 2, DID.public]],
        [[OPERATOR_1_ID.bytes, "first operator", 2, OPERATOR_1.public, bootstrap_proof("first operator", OPERATOR_1)["token"]],
         [OPERATOR_2_ID.bytes, "second operator", 1, OPERATOR_2.public, bootstrap_proof("second operator", OPERATOR_2)["token"]]], 2, registry_did_log().lines()[0])
    yield "caller registered", 2, 1, OPERATOR_1_ID, [ENFORCER_ID], numbered(3, "documents gateway", 1, ENFORCER.public, AUDIENCES[:1])
    yield "enrolment token created", 3, 1, OPERATOR_1_ID, [TOKEN_ID], numbered(sha256(ENROLMENT_TOKEN.encode()), *grant, 1, AT + 3_600_000)
    yield "agent enrolled", 4, 1, AGENT_ID, [AGENT_ID, TOKEN_ID], numbered(
        AGENT_ID.bytes, TOKEN_ID.bytes, 2, AGENT.public, *grant, enrolment_proof()["token"], [], agent_did_log().lines()[0])
    yield "credentials issued", 5, 1, REGISTRY_ID, [AGENT_ID], numbered(tree_root(ITEMS), len(ITEMS))
    yield "activity", 6, 2, AGENT_ID, [AGENT_ID], numbered(FIRST_STATEMENT, 2, AGENT.sign(FIRST_STATEMENT), 2)
    yield "stop", 7, 1, OPERATOR_1_ID, [AGENT_ID], numbered(1, AGENT_ID.bytes, 3, "reads what it should not", "incident-7", 5)
    yield "registry key rotated", 8, 1, OPERATOR_2_ID, [REGISTRY_ID], numbered(1, 1, NEXT_ISSUER.public, ISSUER.id)
    yield "private data read", 9, 1, ENFORCER_ID, [AGENT_ID], numbered("/agentidentity.v1.Registry/GetAgent", AGENT_DID, 1)
    yield "calls refused", 10, 1, REGISTRY_ID, [REGISTRY_ID], numbered(
        [["/agentidentity.v1.Control/Stop", "CALLER_UNKNOWN", AGENT.id, 2], ["/agentidentity.v1.Control/Stop", "PROOF_MISSING", b"", 3]])
    yield "heads", 11, 1, REGISTRY_ID, [REGISTRY_ID], numbered(fixed("heads root"), 6, 0)
    yield "fork", 12, 1, AGENT_ID, [AGENT_ID], numbered(5, sha256(FIRST_STATEMENT), OTHER_FIRST_STATEMENT, 2, AGENT.sign(OTHER_FIRST_STATEMENT))
    yield "activities erased", 13, 1, OPERATOR_1_ID, [AGENT_ID], numbered(
        AGENT_ID.bytes, [5], ERASURE_REASON, [one["token"] for one in approvals()], [sha256(b"air/erased/v1\0", cbor(erased_stub()))])
    yield "hold placed", 14, 1, OPERATOR_2_ID, [AGENT_ID], numbered(AGENT_ID.bytes, "a court has asked for the records")
    yield "hold lifted", 15, 1, OPERATOR_1_ID, [AGENT_ID], numbered(AGENT_ID.bytes, 13, "the case is closed", [one["token"] for one in approvals()])
    yield "log succeeded", 16, 1, REGISTRY_ID, [REGISTRY_ID], numbered(
        ORIGIN, log_note(ORIGIN, 12, fixed("last root")), f"{ORIGIN}/2", 2, NEXT_LOG.public, 2, [log_note(ORIGIN, 15, fixed("lost root"))])
    restore = {"type": "restore", "stops": [6], "reason": "it was a false alarm"}
    yield "restored", 17, 1, OPERATOR_1_ID, [AGENT_ID], numbered([6], "it was a false alarm", approved(restore), 6)
    yield "delegated", 18, 1, AGENT_ID, [AGENT_ID, DELEGATE_ID], numbered(
        AGENT_ID.bytes, JTIS[0].bytes, DELEGATE_ID.bytes, JTIS[2].bytes, jcs(PASSED_ON), AUDIENCES[:1], SECONDS + 300, 1, [["calls", 100], ["eur-cent", 2500]])
    yield "budget spent", 19, 1, DELEGATE_ID, [DELEGATE_ID], numbered(JTIS[2].bytes, [["calls", 1]])
    yield "blueprint defined", 20, 1, OPERATOR_1_ID, [REGISTRY_ID], numbered(BLUEPRINT, "model-x/5", [["documents", "list"], ["documents", "read"]], 7)
    yield "compromise cut", 21, 1, OPERATOR_1_ID, [AGENT_ID], numbered(4, AGENT.id, 4, "the key was copied", "incident-7", 8, [])
    add = {"type": "add-operator", "name": "third operator", "jkt": b64u(OPERATOR_3.id)}
    yield "operator added", 22, 1, OPERATOR_1_ID, [OPERATOR_3_ID], numbered(
        "third operator", 1, OPERATOR_3.public, operator_proof()["token"], approved(add), 9)
    remove = {"type": "remove-caller", "caller": str(ENFORCER_ID), "reason": "the gateway is gone"}
    yield "caller removed", 23, 1, OPERATOR_1_ID, [ENFORCER_ID], numbered(ENFORCER_ID.bytes, "the gateway is gone", approved(remove), 10)
    yield "enforcers acknowledged", 24, 1, REGISTRY_ID, [ENFORCER_ID], numbered(fixed("acknowledgements root"), 1)
    seal = {"type": "set-break-glass-key", "jkt": b64u(BREAK_GLASS.id)}
    yield "break-glass key set", 25, 1, OPERATOR_1_ID, [REGISTRY_ID], numbered(2, BREAK_GLASS.public, approved(seal), 11)
    yield "credentials unlogged", 26, 1, ENFORCER_ID, [ENFORCER_ID], numbered(ENFORCER_ID.bytes, [fixed("an item that is not there")])
    add = {"type": "add-operator", "name": "third operator", "jkt": b64u(PASSKEY.id), "origin": PASSKEY_ORIGIN}
    yield "operator's passkey added", 22, 1, OPERATOR_1_ID, [OPERATOR_3_ID], numbered(
        "third operator", 1, PASSKEY.public, passkey_proof()["token"], approved(add), 12, PASSKEY_ORIGIN)
    yield "agent enrolled that states labels", 4, 1, STATING_ID, [STATING_ID, TOKEN_ID], numbered(
        STATING_ID.bytes, TOKEN_ID.bytes, 1, STATING.public, *grant, enrolment_proof(STATING, STATED_LABELS)["token"], STATED_LABELS)
    yield "DID version", 27, 1, REGISTRY_ID, [AGENT_ID], numbered(agent_did_log().lines()[1], 3, 1)
    proofs = {name: one["token"] for name, one in rotation_proofs().items() if isinstance(one, dict)}
    yield "agent key rotated", 28, 1, AGENT_ID, [AGENT_ID], numbered(AGENT_ID.bytes, AGENT.id, 1, NEXT_AGENT.public, proofs["new_key"], proofs["old_key"])
    yield "key replacement ordered", 29, 1, OPERATOR_1_ID, [AGENT_ID], numbered(AGENT_ID.bytes, sha256(REPLACEMENT_TOKEN.encode()), AT + 3_600_000, "the key was copied")
    yield "agent key replaced", 28, 1, AGENT_ID, [AGENT_ID], numbered(AGENT_ID.bytes, AGENT.id, 1, NEXT_AGENT.public, proofs["ordered"], "", 30)
    yield "DID keys held", 30, 1, OPERATOR_1_ID, [TOKEN_ID], numbered(TOKEN_ID.bytes, next_hash(update_key(AGENT_ID, 2)))
    yield "enrolment token created that demands evidence", 3, 1, OPERATOR_1_ID, [EVIDENCE_TOKEN_ID], numbered(
        sha256(b"another token"), *grant, 1000, AT + 3_600_000, jcs(EVIDENCE_POLICY), 86_400)
    yield "evidence accepted", 34, 1, AGENT_ID, [AGENT_ID], numbered(
        AGENT_ID.bytes, 1, "https://issuer.example", ATTESTED_LABELS[2][1], fixed("evidence"), SECONDS + 3600, ATTESTED_LABELS, enrolment_proof(evidence=fixed("evidence"))["token"])
    yield "enforcer alarmed", 41, 1, ENFORCER_ID, [ENFORCER_ID], numbered(ENFORCER_ID.bytes, "DENY_STATE_SHRUNK", "1 denial is gone without proof.", SECONDS * 1000 + 7)
    yield "leases granted", 42, 1, REGISTRY_ID, [REGISTRY_ID], numbered([["reads", 60000], ["reports", 300000]])
    yield "log cosigned", 49, 1, REGISTRY_ID, [REGISTRY_ID], numbered(cosigned_note())
    set_rules = {"type": "set-rules", "rules": ["fork:1/60:frozen", "proof-replayed:5/60:restricted"], "reason": "nobody is awake at night"}
    yield "rules set", 50, 1, OPERATOR_1_ID, [REGISTRY_ID], numbered([[1, 1, 60, 3], [4, 5, 60, 2]], set_rules["reason"], approved(set_rules))
    yield "stop by a rule", 7, 1, REGISTRY_ID, [AGENT_ID], numbered(
        1, AGENT_ID.bytes, 3, "rule fork:1/60:frozen of entry 38: once within 60 s (entry 11)", "rule-fork-39", 13, "", [], 38, 1)
    yield "enrolment token withdrawn", 51, 1, OPERATOR_1_ID, [TOKEN_ID], numbered(TOKEN_ID.bytes, "it was in a public file")


# What ends the name of an entry that came a day after those before it.
A_DAY_LATER = ", a day later"


def entries(bodies):
    next_sequence = {}
    for index, (name, kind, leaf_class, actor, subject_ids, body) in enumerate(bodies):
        subjects, labels, nullifiers = [], [], []
        for subject in sorted(subject_ids, key=lambda subject: subject.bytes):
            sequence = next_sequence.get(subject, 0)
            next_sequence[subject] = sequence + 1
            label = fixed(f"label {subject}")
            nullifiers.append(hmac.digest(label, b"air/null/v1\0" + u64(sequence), "sha256"))
            subjects.append([subject.bytes, sequence])
            if sequence == 0:
                subjects[-1].append(sha256(b"air/label/v1\0", label))
                labels.append([subject.bytes, label])
        value = {0: 1, 1: kind, 2: AT + index + (DAY if name.endswith(A_DAY_LATER) else 0), 3: subjects, 4: actor.bytes, 5: body}
        salt = fixed(f"entry salt {index}")
        opening = {0: 1, 1: salt} | ({2: labels} if labels else {}) | ({3: ITEMS} if kind == 5 else {})
        leaf = b"\1" + bytes([leaf_class]) + u16(len(nullifiers)) + b"".join(sorted(nullifiers)) + sha256(b"air/leaf/v1\0", salt, cbor(value))
        yield {
            "index": index, "kind": kind, "name": name, "diagnostic": diagnostic(value), "entry": cbor(value).hex(), "class": leaf_class,
            "opening": cbor(opening).hex(), "opening_diagnostic": diagnostic(opening), "subjects": subjects,
            "nullifiers": [nullifier.hex() for nullifier in sorted(nullifiers)], "leaf": leaf.hex(), "leaf_hash": sha256(b"\0", leaf).hex(),
        }


# --- checkpoint (C2SP tlog-checkpoint, signed-note) --------------------------------------------------------------------

def log_note(origin, size, root):
    key_id = sha256(f"{origin}\n".encode(), b"\1", LOG.public)[:4]
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = base64.b64encode(key_id + LOG.sign(text.encode())).decode()
    return f"{text}\n\u2014 {origin} {signature}\n"


def checkpoint(leaves):
    key_id = sha256(f"{ORIGIN}\n".encode(), b"\1", LOG.public)[:4]
    root = tree_root(leaves)
    return {
        "origin": ORIGIN, "size": len(leaves), "root": root.hex(), "note": log_note(ORIGIN, len(leaves), root),
        "vkey": f"{ORIGIN}+{key_id.hex()}+{base64.b64encode(bytes([1]) + LOG.public).decode()}",
    }


# --- succession note (a checkpoint with one extension line) -------------------------------------------------------------

def succession(leaves):
    origin = f"{ORIGIN}/2"
    next_id = sha256(f"{origin}\n".encode(), b"\1", NEXT_LOG.public)[:4]
    vkey = f"{origin}+{next_id.hex()}+{base64.b64encode(bytes([1]) + NEXT_LOG.public).decode()}"
    key_id = sha256(f"{ORIGIN}\n".encode(), b"\1", LOG.public)[:4]
    root = tree_root(leaves)
    text = f"{ORIGIN}\n{len(leaves)}\n{base64.b64encode(root).decode()}\nagentidentity.v1/successor {vkey}\n"
    signature = base64.b64encode(key_id + LOG.sign(text.encode())).decode()
    return {"size": len(leaves), "root": root.hex(), "next": vkey, "note": f"{text}\n\u2014 {ORIGIN} {signature}\n"}


# --- cosignature (C2SP tlog-cosignature) --------------------------------------------------------------------------------

WITNESS_KEY_ID = sha256(f"{WITNESS_NAME}\n".encode(), b"\4", WITNESS.public)[:4]


def cosigned(note):
    text = note.split("\n\n")[0] + "\n"
    cosignature = WITNESS.sign(f"cosignature/v1\ntime {SECONDS}\n{text}".encode())
    return f"{note}\u2014 {WITNESS_NAME} {base64.b64encode(WITNESS_KEY_ID + u64(SECONDS) + cosignature).decode()}\n"


def cosigned_note():
    """A checkpoint of another log, which this registry has cosigned."""
    return cosigned(log_note("other.example/log", 21, fixed("another root")))


# --- receipt (C2SP tlog-proof, tlog-policy) -----------------------------------------------------------------------------

def receipt(leaves, index):
    path = "".join(f"{base64.b64encode(one).decode()}\n" for one in tree_path(leaves, index))
    vkey = f"{WITNESS_NAME}+{WITNESS_KEY_ID.hex()}+{base64.b64encode(bytes([4]) + WITNESS.public).decode()}"
    return {
        "index": index, "leaf_hash": sha256(b"\0", leaves[index]).hex(), "witness_secret": WITNESS.secret.hex(), "witness_vkey": vkey, "time": SECONDS,
        "policy": f"log {checkpoint(leaves)['vkey']}\nwitness w1 {vkey}\nquorum w1\n",
        "receipt": f"c2sp.org/tlog-proof@v1\nextra {base64.b64encode(leaves[index]).decode()}\nindex {index}\n{path}\n{cosigned(checkpoint(leaves)['note'])}",
    }


# --- request to a witness (C2SP tlog-witness) -------------------------------------------------------------------------

def witness_request(leaves, size):
    path = "".join(f"{base64.b64encode(one).decode()}\n" for one in tree_consistency(leaves, size))
    return {"old_size": size, "old_root": tree_root(leaves[:size]).hex(), "request": f"old {size}\n{path}\n{checkpoint(leaves)['note']}"}


# --- promise ----------------------------------------------------------------------------------------------------------

def chained_heads(leaves):
    head = bytes(32)
    for leaf in leaves:
        head = sha256(b"air/head/v1\0", head, sha256(b"\0", leaf))
        yield head.hex()


def promise(leaves, first):
    key_id = sha256(f"{ORIGIN}\n".encode(), b"\1", LOG.public)[:4]
    root = base64.b64encode(tree_root(leaves)).decode()
    text = f"agentidentity.v1/promise\n{ORIGIN}\n{first}\n{len(leaves)}\n{root}\n{AT + 5000}\n"
    signature = base64.b64encode(key_id + LOG.sign(text.encode())).decode()
    return {
        "first": first, "count": len(leaves), "integrate_by": AT + 5000, "index": first + 2, "leaf_hash": sha256(b"\0", leaves[2]).hex(),
        "path": [tree_root(leaves[:2]).hex()], "note": f"{text}\n\u2014 {ORIGIN} {signature}\n",
    }


# --- heads map --------------------------------------------------------------------------------------------------------

def map_bit(key, depth):
    return key[depth // 8] >> (7 - depth % 8) & 1


def map_leaf(one):
    return one["key"] + u64(one["count"]) + one["head"] + u64(one["index"])


def map_sides(heads, depth):
    """The first depth at which these heads part, and both sides."""
    while len({map_bit(one["key"], depth) for one in heads}) == 1:
        depth += 1
    return depth, *([one for one in heads if map_bit(one["key"], depth) == side] for side in (0, 1))


def map_root(heads, depth=0):
    if not heads:
        return sha256()
    if len(heads) == 1:
        return sha256(b"\0", map_leaf(heads[0]))
    depth, left, right = map_sides(heads, depth)
    return sha256(b"\1", bytes([depth]), map_root(left, depth + 1), map_root(right, depth + 1))


def map_proof(heads, key, depth=0):
    if len(heads) < 2:
        return map_leaf(heads[0]) if heads else b""
    depth, *sides = map_sides(heads, depth)
    side = map_bit(key, depth)
    return bytes([depth]) + map_root(sides[1 - side], depth + 1) + map_proof(sides[side], key, depth + 1)


def heads_map(size):
    heads = [{"key": fixed(f"map key {n}"), "count": n + 1, "head": fixed(f"map head {n}"), "index": 1000 * n} for n in range(size)]
    asked = [fixed(f"map key {n}") for n in range(size + 2)]
    return {
        "heads": [one | {"key": one["key"].hex(), "head": one["head"].hex()} for one in heads], "root": map_root(heads).hex(),
        "proofs": [{"key": key.hex(), "proof": map_proof(heads, key).hex(), "present": n < size} for n, key in enumerate(asked)],
    }


# --- the watch ------------------------------------------------------------------------------------------------------

def key_note(key, name, lines):
    """A C2SP signed note of one Ed25519 key."""
    text = "".join(line + "\n" for line in lines)
    key_hash = sha256(name.encode() + b"\n\x01" + key.public)[:4]
    return f"{text}\n\u2014 {name} {base64.b64encode(key_hash + key.sign(text.encode())).decode()}\n"


def vkey(key, name):
    return f"{name}+{sha256(name.encode() + bytes([10, 1]) + key.public)[:4].hex()}+{base64.b64encode(bytes([1]) + key.public).decode()}"


def b64(data):
    return base64.b64encode(data).decode()


def denials():
    whole = [1, 6, 5, 3, 1, AGENT_ID.bytes, [], [], [], []]
    cut = [1, 20, 8, 3, 4, AGENT.id, [4], [], [], []]
    cascade = [1, 40, 12, 4, 2, AGENT_ID.bytes, [], [DELEGATE_ID.bytes], [JTIS[1].bytes, JTIS[2].bytes], []]
    model = [1, 41, 13, 2, 6, b"model-x/5", [], [], [], [BLUEPRINT]]
    return [cbor(one) for one in (whole, cut, cascade, model)]


def probed_stop():
    """A stop by an operator, so without an order, that two probes ride along with."""
    body = {1: 1, 2: AGENT_ID.bytes, 3: 3, 4: "reads what it should not", 5: "incident-7", 6: 5, 7: "", 8: [JTIS[1].bytes, JTIS[2].bytes]}
    return {0: 1, 1: 7, 2: AT + 6, 3: [[AGENT_ID.bytes, 3]], 4: OPERATOR_1_ID.bytes, 5: body}


def probed_cut():
    """The first cut of a scope, so without approvals, that a probe rides along with."""
    body = {1: 4, 2: AGENT.id, 3: 4, 4: "the key was copied", 5: "incident-7", 6: 8, 7: [], 8: [JTIS[1].bytes]}
    return {0: 1, 1: 21, 2: AT + 20, 3: [[AGENT_ID.bytes, 12]], 4: OPERATOR_1_ID.bytes, 5: body}


def watch():
    name = f"{ORIGIN}/watch"
    audiences = sorted(AUDIENCES)
    view = sha256(b"air/view/v1\0", *[u16(len(one.encode())) + one.encode() for one in audiences])
    held = denials()
    digests = [tree_root(held[:count]) if count else sha256() for count in range(len(held) + 1)]
    nonce = b64u(fixed("enforcer nonce")[:24])
    note = lambda *lines: key_note(WATCH, name, [name, *map(str, lines)])
    ack = {"aud": PUBLIC_URL, "origin": ORIGIN, "size": 42, "root": b64u(fixed("seen root")), "epoch": 13, "view": b64u(view), "digest": b64u(digests[4]), "nonce": nonce,
           "decisions": 17, "chain": b64u(fixed("decisions")), "observe_only": 0, "iat": SECONDS}
    return {
        "denials": [one.hex() for one in held], "diagnostic": diagnostic([1, 40, 12, 4, 2, AGENT_ID.bytes, [], [DELEGATE_ID.bytes], [JTIS[1].bytes, JTIS[2].bytes], []]),
        "digests": [one.hex() for one in digests], "audiences": audiences, "view": view.hex(), "watch_key": vkey(WATCH, name), "nonce": nonce,
        "key_note": key_note(LOG, ORIGIN, [ORIGIN, "watch-key/v1", vkey(WATCH, name)]),
        "terms": note("terms/v1", 42, b64(fixed("terms"))),
        "snapshot": note("snapshot/v1", b64(view), 13, 4, b64(digests[4])),
        "delta": note("delta/v1", b64(view), 12, 3, b64(digests[3]), "deny", b64(sha256(held[2]))),
        "empty_delta": note("delta/v1", b64(view), 14, 4, b64(digests[4]), "none", "-"),
        "heartbeat": note("heartbeat/v1", b64(view), nonce, 13, 4, b64(digests[4]), 10000, 42, b64(fixed("seen root"))),
        "acknowledgement": proof("agentid-ack+jwt", ack, ENFORCER),
        "probed_acknowledgement": proof("agentid-ack+jwt", ack | {"probe": {"jti": str(JTIS[1]), "before": "NONE", "after": "CREDENTIAL_STOPPED"}}, ENFORCER),
        "revoked_acknowledgement": proof("agentid-ack+jwt", ack | {"revokers": [{"stop": 12, "done": 2, "failed": 0}, {"stop": 40, "done": 1, "failed": 1}]}, ENFORCER),
        "probed_stop": cbor(probed_stop()).hex(), "probed_stop_diagnostic": diagnostic(probed_stop()), "probed_cut": cbor(probed_cut()).hex(),
        "order": proof("agentid-stop+jwt", {"aud": PUBLIC_URL, "jti": str(JTIS[0]), "iat": SECONDS, "scope": f"agent-with-delegates:{AGENT_ID}", "reason": "nobody answers"}, BREAK_GLASS),
    }


# --- anchor: where a chain holds a tree of the log ---------------------------------------------------------------------

def anchor_lines(leaves, size):
    return ["agentidentity.v1/anchor", ORIGIN, "31337", "0x" + address(2).hex(), str(size), b64(tree_root(leaves[:size])),
            "0x" + fixed("anchor transaction").hex(), "4711", "0x" + fixed("anchor block").hex(), "3"]


def anchor_item(leaves, size):
    return [12, key_note(LOG, ORIGIN, anchor_lines(leaves, size)), b"".join(tree_consistency(leaves, size))]


def anchor(leaves, size):
    kind, note, path = anchor_item(leaves, size)
    return {"note": note, "path": path.hex(), "item": cbor([kind, note, path]).hex(), "size": size, "tree_size": len(leaves), "tree_root": tree_root(leaves).hex()}


def chain_contradiction():
    words = "The chain has the log at size 21, and this ledger is at 20: it was put back to an older state."
    return {"origin": ORIGIN, "words": words, "document": f"agentidentity.v1/chain-contradiction\n{ORIGIN}\n{words}\n"}


# --- trail file: a log of its own, and what it shows of one agent ------------------------------------------------------

def trail_stub(by_passkey):
    return erased_stub(4, 11, DAY) if by_passkey else erased_stub(4, 10)


def trail_bodies(erases, by_passkey):
    known, later = {name: rest for name, *rest in entry_bodies()}, DAY if by_passkey else 0
    for name in ("genesis", "enrolment token created", "agent enrolled", "credentials issued", "activity", "registry key rotated"):
        yield name, *known[name]
    fork = known["fork"][4] | {1: 4}
    yield "fork", *known["fork"][:4], fork
    yield "stop", *known["stop"]
    yield "activity after the stop", 6, 3, AGENT_ID, [AGENT_ID], {1: SECOND_STATEMENT, 2: 2, 3: AGENT.sign(SECOND_STATEMENT), 4: 3}
    yield "private data read", *known["private data read"]
    if by_passkey:
        yield "operator's passkey added", *known["operator's passkey added"]
    if erases:
        one, other = approvals([4], later) if not by_passkey else (approvals([4], later)[0], passkey_approval([4], later))
        body = {1: AGENT_ID.bytes, 2: [4], 3: ERASURE_REASON, 4: [one["token"], other["token"]], 5: [sha256(b"air/erased/v1\0", cbor(trail_stub(by_passkey)))]}
        yield f"activities erased{A_DAY_LATER if by_passkey else ''}", *known["activities erased"][:4], body


def first_activity(key):
    said = statement(0, bytes(32), 1, COMMITMENTS, key)
    return {1: said, 2: key.alg, 3: key.sign(said), 4: 2}


def rotating_trail_bodies():
    """The agent gives itself another key; that one is stopped, and another takes its place by order."""
    known, third = {name: rest for name, *rest in entry_bodies()}, STATING
    for name in ("genesis", "enrolment token created", "agent enrolled", "activity", "agent key rotated"):
        yield name, *known[name]
    yield "activity of the new key", 6, 2, AGENT_ID, [AGENT_ID], first_activity(NEXT_AGENT)
    yield "stop of the new key", 7, 1, OPERATOR_1_ID, [AGENT_ID], {1: 4, 2: NEXT_AGENT.id, 3: 4, 4: "the key was copied", 5: "incident-7", 6: 5}
    yield "key replacement ordered", *known["key replacement ordered"]
    proof_of_third = rotation_proof(third, token_hash=b64u(sha256(REPLACEMENT_TOKEN.encode())))["token"]
    yield "agent key replaced", 28, 1, AGENT_ID, [AGENT_ID], {1: AGENT_ID.bytes, 2: NEXT_AGENT.id, 3: third.alg, 4: third.public, 5: proof_of_third, 6: "", 7: 7}
    yield "activity of the third key", 6, 2, AGENT_ID, [AGENT_ID], first_activity(third)


def heads_of(log):
    """The map over these entries: for each label how many entries there are about its subject, their chain, and the last."""
    heads = {}
    for one in log:
        for subject, *_ in one["subjects"]:
            head = heads.setdefault(subject, {"key": fixed(f"label {uuid.UUID(bytes=subject)}"), "count": 0, "head": bytes(32)})
            head.update(count=head["count"] + 1, head=sha256(b"air/head/v1\0", head["head"], bytes.fromhex(one["leaf_hash"])), index=one["index"])
    return list(heads.values())


def tree_path(leaves, index):
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = leaves[:split], leaves[split:]
    return tree_path(left, index) + [tree_root(right)] if index < split else tree_path(right, index - split) + [tree_root(left)]


def trail(opens_activities=True, erases=False, by_passkey=False, rotates=False, anchored=0):
    bodies = list(rotating_trail_bodies() if rotates else trail_bodies(erases, by_passkey))
    heads = heads_of(entries(bodies))
    bodies.append((f"heads{A_DAY_LATER if by_passkey else ''}", 11, 1, REGISTRY_ID, [REGISTRY_ID], {1: map_root(heads), 2: len(heads), 3: 0}))
    log = list(entries(bodies))
    leaves = [bytes.fromhex(one["leaf"]) for one in log]
    signed = checkpoint(leaves)
    label = fixed(f"label {AGENT_ID}")

    def shown(one):
        return [bytes.fromhex(one["leaf"]), b"".join(tree_path(leaves, one["index"])), bytes.fromhex(one["entry"]), fixed(f"entry salt {one['index']}")]

    def about_agent(one, sequence):
        if one["index"] == 4 and erases:
            return [2, 4, sequence, *shown(one)[:2], cbor(trail_stub(by_passkey))]
        if one["kind"] == 6 and not opens_activities and one["index"] != 4:  # which the fork names
            return [3, sequence, bytes.fromhex(one["leaf"])]
        items = [[place, item, b"".join(tree_path(ITEMS, place))] for place, item in enumerate(ITEMS)] if one["kind"] == 5 else []
        return [1, one["index"], sequence, *shown(one), items]

    about = [one for one in log if AGENT_ID.bytes in [subject for subject, *_ in one["subjects"]]]
    items = [[0, 1, signed["vkey"], AGENT_ID.bytes, label, signed["note"]]]
    items += [[4, one["index"], *shown(one)] for one in log if one["kind"] in (1, 8, 22)]
    items += [about_agent(one, sequence) for sequence, one in enumerate(about)]
    items.append([5, log[-1]["index"], *shown(log[-1]), map_proof(heads, label)])
    items += [anchor_item(leaves, anchored)] if anchored else []
    items.append([6, len(items)])
    return {"vkey": signed["vkey"], "file": b"".join(map(cbor, items)).hex(), "size": len(log), "about": len(about), "items": len(items)}


# --- containment certificate: a log of its own, and what it shows of one incident -------------------------------------

CERTIFIED_STOPS = {
    7: [1, 7, 5, 3, 1, AGENT_ID.bytes, [], [], [], []],
    8: [1, 8, 6, 3, 4, AGENT.id, [4], [], [], []],
}
# In force at the same enforcers, and of another incident: only its hash is in a path.
OTHER_DENIAL = [1, 6, 4, 4, 3, JTIS[2].bytes, [], [], [], []]


def view_of(audiences):
    return sha256(b"air/view/v1\0", *[u16(len(one.encode())) + one.encode() for one in sorted(audiences)])


def certified_acknowledgement(key, audiences, epoch, stops, seen, observes=0):
    """What an enforcer signs that holds the other denial and those of these stops, and a tree of so many leaves."""
    held = [cbor(OTHER_DENIAL)] + [cbor(CERTIFIED_STOPS[stop]) for stop in stops]
    claims = {"aud": PUBLIC_URL, "origin": ORIGIN, "size": len(seen), "root": b64u(tree_root(seen)), "epoch": epoch, "view": b64u(view_of(audiences)), "digest": b64u(tree_root(held)),
              "nonce": b64u(fixed("enforcer nonce")[:24]), "decisions": 17, "chain": b64u(fixed("decisions")), "observe_only": observes, "iat": SECONDS}
    return proof("agentid-ack+jwt", claims, key)["token"].encode()


def tree_consistency(leaves, size, is_whole=True):
    """RFC 6962, section 2.1.2."""
    if size == len(leaves):
        return [] if is_whole else [tree_root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if size <= split:
        return tree_consistency(leaves[:split], size, is_whole) + [tree_root(leaves[split:])]
    return tree_consistency(leaves[split:], size - split, False) + [tree_root(leaves[:split])]


def certificate(stops, signers, word, made_at, is_lifted=False, anchored=0, by_rule=False):
    """Stops of the incident, who signed the epoch of the last of them, the registry's word on the others, and when it was made."""
    known = {name: rest for name, *rest in entry_bodies()}
    audiences = {ENFORCER: AUDIENCES[:1], MAIL_ENFORCER: AUDIENCES[1:]}
    ids = {ENFORCER: ENFORCER_ID, MAIL_ENFORCER: MAIL_ENFORCER_ID}
    bodies = [(name, *known[name]) for name in ("genesis", "caller registered")]
    bodies.append(("mail gateway", 2, 1, OPERATOR_1_ID, [MAIL_ENFORCER_ID], {1: 3, 2: "mail gateway", 3: 2, 4: MAIL_ENFORCER.public, 5: AUDIENCES[1:]}))
    bodies += [(name, *known[name]) for name in ("enrolment token created", "agent enrolled", "credentials issued")]
    if by_rule:
        bodies.append(("rules set", *known["rules set"]))
        bodies.append(("stop by a rule", *known["stop by a rule"][:4], known["stop by a rule"][4] | {5: "incident-7", 6: 5, 9: 6}))
    else:
        bodies.append(("another stop", 7, 1, OPERATOR_1_ID, [AGENT_ID], {1: 3, 2: JTIS[2].bytes, 3: 4, 4: "leaked", 5: "incident-6", 6: 4}))
        bodies.append(("stop", *known["stop"]))
    if 8 in stops:
        bodies.append(("compromise cut", *known["compromise cut"][:4], known["compromise cut"][4] | {6: 6}))
    seen = [bytes.fromhex(one["leaf"]) for one in entries(bodies)][:7]
    acknowledged = [certified_acknowledgement(key, audiences[key], CERTIFIED_STOPS[stops[-1]][2], stops, seen, observes) for key, observes in signers]
    signed_at = len(bodies)
    if acknowledged:
        bodies.append(("enforcers acknowledged", 24, 1, REGISTRY_ID, [ids[key] for key, _ in signers], {1: tree_root(acknowledged), 2: len(acknowledged)}))
    if is_lifted:
        restore = {"type": "restore", "stops": [7], "reason": "it was a false alarm"}
        bodies.append(("restored", 17, 1, OPERATOR_1_ID, [AGENT_ID], {1: [7], 2: "it was a false alarm", 3: approved(restore), 4: 7}))
    log = list(entries(bodies))
    leaves = [bytes.fromhex(one["leaf"]) for one in log]
    signed = checkpoint(leaves)

    def shown(kind, index, *more):
        return [kind, index, leaves[index], b"".join(tree_path(leaves, index)), bytes.fromhex(log[index]["entry"]), fixed(f"entry salt {index}"), *more]

    def about(stop, place):
        held = [cbor(OTHER_DENIAL)] + [cbor(CERTIFIED_STOPS[one]) for one in stops]
        evidence = [[signed_at, at, place + 1, len(held), b"".join(tree_path(held, place + 1))] for at, (_, observes) in enumerate(signers) if not observes]
        return [9, stop, cbor(CERTIFIED_STOPS[stop]), [[5, 0]], evidence, word]

    items = [[7, 1, signed["vkey"], "incident-7", signed["note"]], shown(4, 0), shown(4, 1), shown(4, 2)]
    items.append(shown(8, 5, [[0, ITEMS[0], b"".join(tree_path(ITEMS, 0))]]))
    items += [shown(4, 6)] if by_rule else []
    items += [shown(4, stop) for stop in stops]
    if acknowledged:
        items.append(shown(8, signed_at, [[at, one, b"".join(tree_path(acknowledged, at))] for at, one in enumerate(acknowledged)]))
    items += [shown(4, signed_at + 1)] if is_lifted else []
    items += [about(stop, place) for place, stop in enumerate(stops)]
    items += [[10, len(seen), b"".join(tree_consistency(leaves, len(seen)))]] if acknowledged else []
    items += [anchor_item(leaves, anchored)] if anchored else []
    before = b"".join(map(cbor, items))
    items.append([11, key_note(LOG, ORIGIN, ["agentidentity.v1/certificate", ORIGIN, str(made_at), b64(sha256(before))])])
    items.append([6, len(items)])
    return {"vkey": signed["vkey"], "file": b"".join(map(cbor, items)).hex(), "size": len(log), "items": len(items)}


def certificates():
    both = [(ENFORCER, 0), (MAIL_ENFORCER, 0)]
    return {
        "enforced": {"level": 3, "enforced_at": AT + 8} | certificate([7], both, [], AT + 100),
        "one is silent": {"level": 2, "enforced_at": 0} | certificate([7], both[:1], [[MAIL_ENFORCER_ID.bytes, 4, 0, AT + 9000]], AT + 100),
        "one only observes": {"level": 2, "enforced_at": 0} | certificate([7], [both[0], (MAIL_ENFORCER, 1)], [[MAIL_ENFORCER_ID.bytes, 5, 0, AT + 9000]], AT + 100),
        "nobody has signed": {"level": 2, "enforced_at": 0} | certificate([7], [], [[ENFORCER_ID.bytes, 3, 0, AT + 9000], [MAIL_ENFORCER_ID.bytes, 2, AT + 50, AT + 40]], AT + 100),
        "exhausted": {"level": 4, "enforced_at": AT + 8} | certificate([7], both, [], AT + 700_000),
        "over": {"level": 3, "enforced_at": AT + 9} | certificate([7, 8], both, [], AT + 700_000, is_lifted=True),
        "enforced and anchored": {"level": 3, "enforced_at": AT + 8} | certificate([7], both, [], AT + 100, anchored=6),
        "enforced, by a rule": {"level": 3, "enforced_at": AT + 8} | certificate([7], both, [], AT + 100, by_rule=True),
    }


# --- envelopes --------------------------------------------------------------------------------------------------------

def item(actions, locations, **rest):
    return {"type": "t", "actions": actions, "locations": locations} | rest


def value_covers(grant, value):
    grant, value = grant.encode(), value.encode()
    return len(value) > len(grant) - 1 and value.startswith(grant[:-1]) if grant.endswith(b"/*") else grant == value


def item_within(child, parent):
    def covered(name):
        return all(any(value_covers(grant, value) for grant in parent[name]) for value in child[name])
    return (child["type"] == parent["type"] and covered("actions") and covered("locations") and child.get("maxDepth", 0) <= parent.get("maxDepth", 0)
            and ("notAfter" not in parent or "notAfter" not in child or child["notAfter"] <= parent["notAfter"]))


def item_passed_on(child, parent):
    return item_within(child, parent) and child.get("maxDepth", 0) < parent.get("maxDepth", 0)


def within(child, parent, covered=item_within):
    """Whether it is within, and the latest expiry under which it is."""
    expiry = None
    for one in child:
        covering = [other for other in parent if covered(one, other)]
        if not covering:
            return False, None
        if "notAfter" not in one and all("notAfter" in other for other in covering):
            latest = max(other["notAfter"] for other in covering)
            expiry = latest if expiry is None else min(expiry, latest)
    return True, expiry


def covers(envelope, typ, action, location, now):
    return any(one["type"] == typ and any(value_covers(grant, action) for grant in one["actions"])
               and any(value_covers(grant, location) for grant in one["locations"]) and now < one.get("notAfter", now + 1) for one in envelope)


WITHIN = [  # child, parent, expected
    ([item(["a"], ["l"])], [item(["a"], ["l"])], True),
    ([item(["a"], ["l"])], [item(["a", "b"], ["l", "m"])], True),
    ([item(["a", "b"], ["l"])], [item(["a"], ["l"])], False),
    ([item(["a"], ["l"]), item(["b"], ["l"])], [item(["a", "b"], ["l"])], True),
    ([item(["a", "b"], ["l"])], [item(["a"], ["l"]), item(["b"], ["l"])], False),
    ([item(["p/q"], ["l"])], [item(["p/*"], ["l"])], True),
    ([item(["p/q/*"], ["l"])], [item(["p/*"], ["l"])], True),
    ([item(["p/*"], ["l"])], [item(["p/*"], ["l"])], True),
    ([item(["p/*"], ["l"])], [item(["p/q/*"], ["l"])], False),
    ([item(["p"], ["l"])], [item(["p/*"], ["l"])], False),
    ([item(["p/"], ["l"])], [item(["p/*"], ["l"])], False),
    ([item(["pq/r"], ["l"])], [item(["p/*"], ["l"])], False),
    ([item(["p/q"], ["l"])], [item(["/*"], ["l"])], False),
    ([item(["/q"], ["l"])], [item(["/*"], ["l"])], True),
    ([item(["a"], ["l"], maxDepth=1)], [item(["a"], ["l"])], False),
    ([item(["a"], ["l"])], [item(["a"], ["l"], maxDepth=0)], True),
    ([item(["a"], ["l"], maxDepth=3)], [item(["a"], ["l"], maxDepth=3)], True),
    ([item(["a"], ["l"], notAfter=100)], [item(["a"], ["l"], notAfter=100)], True),
    ([item(["a"], ["l"], notAfter=101)], [item(["a"], ["l"], notAfter=100)], False),
    ([item(["a"], ["l"], notAfter=101)], [item(["a"], ["l"])], True),
    ([item(["a"], ["l"])], [item(["a"], ["l"], notAfter=100)], True),
    ([item(["a"], ["l"])], [item(["a"], ["l"], notAfter=100), item(["a", "b"], ["l"], notAfter=200)], True),
    ([item(["a"], ["l"]), item(["b"], ["l"])], [item(["a"], ["l"], notAfter=100), item(["b"], ["l"], notAfter=200)], True),
    ([item([], ["l"])], [item(["a"], ["l"])], True),
    ([item(["a"], ["l"])], [item([], ["l"])], False),
    ([{"type": "u", "actions": ["a"], "locations": ["l"]}], [item(["a"], ["l"])], False),
    ([item(["ö/x"], ["l"])], [item(["ö/*"], ["l"])], True),
    ([item(["a"], ["l/m"])], [item(["a"], ["l"])], False),
]

PASSED_ON_FROM = [  # child, parent, expected
    ([item(["a"], ["l"])], [item(["a"], ["l"])], False),
    ([item(["a"], ["l"])], [item(["a"], ["l"], maxDepth=0)], False),
    ([item(["a"], ["l"])], [item(["a"], ["l"], maxDepth=1)], True),
    ([item(["a"], ["l"], maxDepth=1)], [item(["a"], ["l"], maxDepth=1)], False),
    ([item(["a"], ["l"], maxDepth=9)], [item(["a"], ["l"], maxDepth=10)], True),
    ([item(["a"], ["l"])], [item(["a"], ["l"]), item(["a", "b"], ["l"], maxDepth=2)], True),
    ([item(["a"], ["l"]), item(["b"], ["l"])], [item(["a"], ["l"], maxDepth=1), item(["b"], ["l"])], False),
    ([item(["a", "b"], ["l"])], [item(["a"], ["l"], maxDepth=1), item(["b"], ["l"], maxDepth=1)], False),
    ([item(["a"], ["l"])], [item(["a"], ["l"], notAfter=200), item(["a"], ["l"], notAfter=100, maxDepth=1)], True),
    ([item(["a"], ["l"], notAfter=150)], [item(["a"], ["l"], notAfter=200), item(["a"], ["l"], notAfter=100, maxDepth=1)], False),
]

COVERS = [  # envelope, action, location, now, expected; the type is t
    ([item(["a"], ["l"])], "a", "l", 0, True),
    ([item(["a"], ["l"])], "a", "m", 0, False),
    ([item(["a"], ["l"]), item(["b"], ["m"])], "a", "m", 0, False),
    ([item(["a"], ["l"]), item(["b"], ["m"])], "b", "m", 0, True),
    ([item(["a/*"], ["l/*"])], "a/b", "l/m/n", 0, True),
    ([item(["a/*"], ["l/*"])], "a/", "l/m", 0, False),
    ([item(["a/*"], ["l/*"])], "a", "l/m", 0, False),
    ([item(["a"], ["l"], notAfter=100)], "a", "l", 99, True),
    ([item(["a"], ["l"], notAfter=100)], "a", "l", 100, False),
    ([item([], [])], "a", "l", 0, False),
    ([item(["a"], ["l"])], "", "l", 0, False),
]

MALFORMED_ENVELOPES = [
    "", "{}", "[]", "null", "[null]", "[[]]", '"a"', "[{}]",
    '[{"type":"t","actions":["a"]}]', '[{"type":"t","locations":["l"]}]', '[{"actions":["a"],"locations":["l"]}]',
    '[{"type":"","actions":["a"],"locations":["l"]}]', '[{"type":"t*","actions":["a"],"locations":["l"]}]', '[{"type":1,"actions":["a"],"locations":["l"]}]',
    '[{"type":"t","actions":["*"],"locations":["l"]}]', '[{"type":"t","actions":["a*"],"locations":["l"]}]', '[{"type":"t","actions":["a/*/b"],"locations":["l"]}]',
    '[{"type":"t","actions":["*/a"],"locations":["l"]}]', '[{"type":"t","actions":["a/**"],"locations":["l"]}]', '[{"type":"t","actions":["a/*/*"],"locations":["l"]}]',
    '[{"type":"t","actions":[""],"locations":["l"]}]', '[{"type":"t","actions":"a","locations":["l"]}]', '[{"type":"t","actions":[1],"locations":["l"]}]',
    '[{"type":"t","actions":["a"],"locations":["*"]}]', '[{"type":"t","actions":["a"],"locations":[null]}]',
    '[{"type":"t","actions":["a"],"locations":["l"],"maxDepth":11}]', '[{"type":"t","actions":["a"],"locations":["l"],"maxDepth":-1}]',
    '[{"type":"t","actions":["a"],"locations":["l"],"maxDepth":1.0}]', '[{"type":"t","actions":["a"],"locations":["l"],"maxDepth":1e0}]', '[{"type":"t","actions":["a"],"locations":["l"],"maxDepth":"1"}]',
    '[{"type":"t","actions":["a"],"locations":["l"],"notAfter":1.5}]', '[{"type":"t","actions":["a"],"locations":["l"],"notAfter":"2030-01-01T00:00:00Z"}]',
    '[{"type":"t","actions":["a"],"locations":["l"],"notAfter":-1}]', '[{"type":"t","actions":["a"],"locations":["l"],"notAfter":1e400}]', '[{"type":"t","actions":["a"],"locations":["l"],"notAfter":253402300800}]',
    '[{"type":"t","actions":["a"],"locations":["l"],"budget":1}]', '[{"type":"t","type":"t","actions":["a"],"locations":["l"]}]', '[{"type":"t","actions":["a"],"\\u0061ctions":["a"],"locations":["l"]}]',
    '[{"type":"t","actions":["a"],"locations":["l"]},]', '[{"type":"t","actions":["a"],"locations":["l"]}]x', '[{"type":"t","actions":["a"],"locations":["l"]}] // comment', '[{"type":"t","actions":["\\ud800"],"locations":["l"]}]',
    jcs([item(["a"] * 65, ["l"])]), jcs([item(["a"], ["l"])] * 33), jcs([item(["a" * 257], ["l"])]), jcs([item(["ö" * 129], ["l"])]),
]


def envelope_vectors():
    for child, parent, expected in WITHIN:
        assert within(child, parent)[0] == expected, (child, parent)
    for child, parent, expected in PASSED_ON_FROM:
        assert within(child, parent, item_passed_on)[0] == expected, (child, parent)
    for envelope, action, location, now, expected in COVERS:
        assert covers(envelope, "t", action, location, now) == expected, (envelope, action)
    spelled = '[ { "type" : "documents", "locations" : ["https://tools.example/documents/\\u002a"], "actions" : ["read", "comment\\/*"],\n "notAfter" : %d, "maxDepth" : 1 } ]' % ENVELOPE[0]["notAfter"]
    assert json.loads(spelled) == ENVELOPE
    return {
        "example": {"text": spelled, "canonical": jcs(ENVELOPE)},
        "authority": [{"envelope": jcs(ENVELOPE), "act": act and jcs(act), "hash": authority_hash(ENVELOPE, act).hex()} for act in (None, ACT)],
        "within": [dict(zip(("child", "parent", "within", "expiry_max"), (jcs(child), jcs(parent), *within(child, parent)))) for child, parent, _ in WITHIN],
        "passed_on": [dict(zip(("child", "parent", "passed_on", "expiry_max"), (jcs(child), jcs(parent), *within(child, parent, item_passed_on)))) for child, parent, _ in PASSED_ON_FROM],
        "covers": [dict(zip(("envelope", "type", "action", "location", "now", "covers"), (jcs(envelope), "t", *rest))) for envelope, *rest in COVERS],
        "malformed": MALFORMED_ENVELOPES,
    }


ACT = {"sub": f"{REGISTRY_DID}:agents:0192f0c1-7000-7000-8000-0000000000aa", "act": {"sub": f"{REGISTRY_DID}:agents:0192f0c1-7000-7000-8000-0000000000bb", "sponsor": "Operations"}}


# --- chains of command ------------------------------------------------------------------------------------------------

def act_of(dids):
    """RFC 8693: the first is the nearest."""
    act = None
    for did in reversed(dids):
        act = {"sub": did} | ({"act": act} if act else {})
    return act


def read_chain(act):
    """The agents that act names, nearest first; None when it is no chain of command. Who answers for all of it stands with the last."""
    dids, prefix = [], f"{REGISTRY_DID}:agents:"
    while act is not None:
        if not isinstance(act, dict) or set(act) - {"sub", "act", "sponsor"} or not isinstance(act.get("sub"), str) or ("act" in act and act["act"] is None):
            return None
        if "sponsor" in act and ("act" in act or not isinstance(act["sponsor"], str) or not act["sponsor"]):
            return None
        did = act["sub"]
        try:
            known = did.startswith(prefix) and str(uuid.UUID(did[len(prefix):])) == did[len(prefix):]
        except ValueError:
            known = False
        if not known or did in dids or len(dids) == 10:
            return None
        dids.append(did)
        act = act.get("act")
    return dids


def top_sponsor(act):
    if not act or read_chain(act) is None:
        return None
    while "act" in act:
        act = act["act"]
    return act.get("sponsor")


def chains():
    dids = [f"{REGISTRY_DID}:agents:0192f0c1-7000-7000-8000-{n:012x}" for n in range(11)]
    acts = [act_of(dids[:1]), ACT, act_of(dids[:10]), act_of(dids), act_of([dids[0], dids[1], dids[0]]), act_of([dids[0], dids[0]]),
            {}, {"act": {"sub": dids[0]}}, {"sub": dids[0], "act": {}}, {"sub": dids[0], "act": None}, {"sub": dids[0], "act": []}, {"sub": dids[0], "iss": REGISTRY_DID}, {"sub": 1}, [],
            {"sub": REGISTRY_DID}, {"sub": "did:web:elsewhere:agents:0192f0c1-7000-7000-8000-000000000000"}, {"sub": dids[0].upper()}, {"sub": dids[0] + "#key"},
            {"sub": dids[0], "sponsor": ""}, {"sub": dids[0], "sponsor": 1}, {"sub": dids[0], "sponsor": None}, {"sub": dids[0], "sponsor": SPONSOR, "act": {"sub": dids[1]}}]
    assert [n for n, act in enumerate(acts) if act and read_chain(act)] == [0, 1, 2]
    return [{"act": jcs(act), "chain": read_chain(act) if act else None, "sponsor": top_sponsor(act), "token": credential(JTIS[0], act)["token"] if act else None} for act in acts]


# --- DID documents ----------------------------------------------------------------------------------------------------

def did_documents():
    context = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"]

    def methods(did, keys):
        return [{"id": f"{did}#{b64u(key.id)}", "type": "JsonWebKey", "controller": did, "publicKeyJwk": key.jwk} for key in keys]

    def urls(did, keys):
        return [f"{did}#{b64u(key.id)}" for key in keys]

    def agent(keys):
        return jcs({"@context": context, "id": AGENT_DID, "controller": REGISTRY_DID, "verificationMethod": methods(AGENT_DID, keys),
                    "authentication": urls(AGENT_DID, keys), "assertionMethod": urls(AGENT_DID, keys)})

    issuers = [ISSUER, NEXT_ISSUER]
    return {
        "agent": agent([AGENT]),
        "agent_of_a_log": jcs(json.loads(agent([AGENT])) | {"alsoKnownAs": [agent_did_log().did]}),
        "agent_deactivated": agent([]),
        "registry": jcs({"@context": context, "id": REGISTRY_DID, "verificationMethod": methods(REGISTRY_DID, issuers), "assertionMethod": urls(REGISTRY_DID, issuers)}),
        "registry_with_proof_key": jcs({
            "@context": context + ["https://w3id.org/security/multikey/v1"], "id": REGISTRY_DID, "assertionMethod": urls(REGISTRY_DID, issuers + [INTEGRITY]),
            "verificationMethod": methods(REGISTRY_DID, issuers) + [{"id": urls(REGISTRY_DID, [INTEGRITY])[0], "type": "Multikey", "controller": REGISTRY_DID, "publicKeyMultibase": multikey(INTEGRITY)}]}),
        "jwks": jcs({"keys": [key.jwk | {"alg": key.jose, "kid": url} for key, url in zip(issuers, urls(REGISTRY_DID, issuers))]}),
    }


# --- multibase, did:key, Data Integrity proofs, did:webvh ---------------------------------------------------------------

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def multihash(text):
    return base58(b"\x12\x20" + sha256(text.encode()))


def multikey(key):
    if key.alg == 2:
        return "z" + base58(b"\xed\x01" + key.public)
    return "z" + base58(b"\x80\x24" + bytes([2 + (key.public[63] & 1)]) + key.public[:32])


def did_key(key):
    return "did:key:" + multikey(key)


def integrity_proof(document, key, created, **changes):
    """The proof of eddsa-jcs-2022 over a document without one."""
    method = f"{did_key(key)}#{multikey(key)}"
    config = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "verificationMethod": method, "created": created, "proofPurpose": "assertionMethod"} | changes
    if "@context" in document:
        config["@context"] = document["@context"]
    return config | {"proofValue": "z" + base58(key.sign(sha256(jcs(config).encode()) + sha256(jcs(document).encode())))}


DID_KEYS = [Key(f"did update {n}", 2) for n in range(4)]
DID_WITNESSES = [Key(f"did witness {n}", 2) for n in range(3)]
STRANGER = Key("stranger", 2)
DID_PLACE = f"localhost%3A5000:agents:{AGENT_ID}"


def did_time(minutes):
    return rfc3339(SECONDS + 60 * minutes)


def next_hash(key):
    return multihash(multikey(key))


class DidLog:
    """A log that says whatever it is told to say: what is wrong with it is hashed and signed like what is right."""

    def __init__(self, time=did_time(0), key=DID_KEYS[0], place=DID_PLACE, state=None, **parameters):
        self.entries, self.place = [], place
        draft = {"versionId": "{SCID}", "versionTime": time, "state": {"id": "did:webvh:{SCID}:" + place} | (state or {}),
                 "parameters": {"method": "did:webvh:1.0", "scid": "{SCID}", "updateKeys": [multikey(key)]} | parameters}
        self.scid = multihash(jcs(draft))
        draft = json.loads(jcs(draft).replace("{SCID}", self.scid))
        self.seal(1, draft, self.scid, key)

    @property
    def did(self):
        return f"did:webvh:{self.scid}:{self.place}"

    def seal(self, number, draft, before, key, **changes):
        entry = draft | {"versionId": f"{number}-{multihash(jcs(draft | {'versionId': before}))}"}
        self.entries.append(entry | {"proof": [integrity_proof(entry, key, entry["versionTime"], **changes)]})

    def then(self, key, time=None, state=None, number=None, proof=None, before=None, **parameters):
        last = self.entries[-1]
        number = number or len(self.entries) + 1
        draft = {"versionTime": time or did_time(number - 1), "parameters": parameters, "state": last["state"] | (state or {})}
        self.seal(number, draft, before or last["versionId"], key, **(proof or {}))
        return self

    def changed(self, line, change):
        """A line changed after it was signed."""
        entry = json.loads(json.dumps(self.entries[line]))
        change(entry)
        self.entries[line] = entry
        return self

    def witnessed(self, *proofs):
        """did-witness.json: pairs of a version and who approves it."""
        made = [(version if isinstance(version, str) else self.entries[version]["versionId"], key) for version, key in proofs]
        return jcs([{"versionId": version, "proof": [integrity_proof({"versionId": version}, key, did_time(0))]} for version, key in made])

    def lines(self):
        return [jcs(entry) for entry in self.entries]

    def text(self):
        return "".join(line + "\n" for line in self.lines())


def rotating_log(**first):
    """Pre-rotation from the first version: each version is signed by the key whose hash the one before holds."""
    return DidLog(nextKeyHashes=[next_hash(DID_KEYS[1])], **first)


def witness_parameter(threshold, *keys):
    return {"threshold": threshold, "witnesses": [{"id": did_key(key)} for key in keys]}


def update_key(subject, number):
    """The key that signs one line of a subject's log."""
    return Key(f"did update {number} of {subject}", 2, hmac.digest(DID.secret, b"air/did/v1\0" + subject.bytes + u64(number), "sha512")[:32])


def did_state(did, keys, controller=None):
    urls = [f"{did}#{b64u(key.id)}" for key in keys]
    methods = [{"id": url, "type": "JsonWebKey", "controller": did, "publicKeyJwk": key.jwk} for url, key in zip(urls, keys)]
    return {"@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"], "alsoKnownAs": ["did:web:" + did.split(":", 3)[3]], "assertionMethod": urls,
            "verificationMethod": methods} | ({"authentication": urls, "controller": controller} if controller else {})


def registry_did_log():
    first, second = update_key(REGISTRY_ID, 1), update_key(REGISTRY_ID, 2)
    place = REGISTRY_DID.removeprefix("did:web:")
    return DidLog(key=first, place=place, state=did_state("did:webvh:{SCID}:" + place, [ISSUER]), nextKeyHashes=[next_hash(second)], portable=True)


@functools.cache
def agent_did_log():
    """The log of the agent of these vectors: enrolled, given another key, deactivated."""
    first, second, third = (update_key(AGENT_ID, number) for number in (1, 2, 3))
    log = DidLog(key=first, state=did_state("did:webvh:{SCID}:" + DID_PLACE, [AGENT], REGISTRY_DID), nextKeyHashes=[next_hash(second)], portable=True)
    log.then(second, state=did_state(log.did, [ENFORCER], REGISTRY_DID), updateKeys=[multikey(second)], nextKeyHashes=[next_hash(third)])
    log.then(third, state=did_state(log.did, [], REGISTRY_DID), updateKeys=[multikey(third)], nextKeyHashes=[], deactivated=True)
    return log


def good_did_logs():
    a, b, c, d = DID_KEYS
    w, v, u = DID_WITNESSES
    yield "one version", DidLog(), None, False
    yield "another document", DidLog().then(a, state={"service": [{"id": "#s", "type": "T", "serviceEndpoint": "https://example.com", "weight": 0.5}]}), None, False
    yield "keys handed on without pre-rotation", DidLog().then(a, updateKeys=[multikey(b)]).then(b), None, False
    yield "pre-rotation that ends", rotating_log().then(b, updateKeys=[multikey(b)], nextKeyHashes=[]).then(b, updateKeys=[multikey(c)]).then(c), None, False
    yield "deactivated", rotating_log().then(b, updateKeys=[multikey(b)], nextKeyHashes=[], deactivated=True), None, True
    moved = DidLog(portable=True)
    before, place = moved.did, "registry.example:elsewhere"
    moved.then(a, state={"id": f"did:webvh:{moved.scid}:{place}", "alsoKnownAs": [before]})
    yield "moved", moved, None, False
    two = DidLog(witness=witness_parameter(2, w, v, u)).then(a)
    yield "witnessed by two of three, the later approving the earlier", two, two.witnessed((1, w), (0, v), (1, u), ("9-" + two.scid, v)), False
    ends = DidLog(witness=witness_parameter(1, w)).then(a, witness={}).then(a)
    yield "witnesses until they were let go", ends, ends.witnessed((1, w)), False
    later = DidLog().then(a, witness=witness_parameter(1, w))
    yield "witnesses from the second version on", later, later.witnessed((1, w)), False
    yield "a time with a fraction, and zero offset", DidLog(time="2024-11-03T06:40:00.25+00:00").then(a, time="2024-11-03T06:40:00.5Z", ttl=0, watchers=["https://watcher.example"]), None, False


def bad_did_logs():
    """Name, refusal, log, did-witness.json, and the DID that was asked for when it is not the log's own."""
    a, b, c, d = DID_KEYS
    w, v, u = DID_WITNESSES
    stolen = DidLog(place="other.example")

    def with_state(change):
        log = DidLog(portable=True)
        log.then(a, state=change(log))
        return log

    yield "SCID of another log in the first version", "ScidMismatch", DidLog().changed(0, lambda e: e["parameters"].update(scid=stolen.scid)), None
    yield "SCID swapped in a later document", "DidScid", with_state(lambda log: {"id": f"did:webvh:{stolen.scid}:{log.place}", "alsoKnownAs": [log.did]}), None
    yield "SCID named again", "ScidRepeated", (lambda log: log.then(a, scid=log.scid))(DidLog()), None
    yield "another log than the one that was asked for", "NotThisDid", DidLog(), None, stolen.did
    yield "the same SCID at another place", "NotThisDid", (one := DidLog()), None, f"did:webvh:{one.scid}:other.example"
    yield "time that stands still", "TimeNotAfter", DidLog().then(a, time=did_time(0)), None
    yield "time that goes back", "TimeNotAfter", DidLog().then(a, time=did_time(-5)), None
    yield "time in the future", "TimeInFuture", DidLog().then(a, time=rfc3339(SECONDS + 86400)), None
    yield "time without a zone", "VersionTime", DidLog().then(a, time="2024-11-03T07:00:00"), None
    yield "time of another zone", "VersionTime", DidLog().then(a, time="2024-11-03T07:00:00+01:00"), None
    yield "time on a day that is none", "VersionTime", DidLog().then(a, time="2025-02-29T07:00:00Z"), None
    yield "a version left out", "VersionId", DidLog().then(a, number=3, time=did_time(1)), None
    yield "a version number with a zero before it", "VersionId", DidLog().changed(0, lambda e: e.update(versionId="0" + e["versionId"])), None
    yield "a version id with two dashes", "VersionId", DidLog().changed(0, lambda e: e.update(versionId="1-" + e["versionId"])), None
    yield "a document changed after it was signed", "EntryHash", DidLog().then(a).changed(1, lambda e: e["state"].update(controller="did:example:thief")), None
    yield "a version that follows another one", "EntryHash", DidLog().then(a, before="1-" + stolen.scid), None
    yield "the first document changed after it was signed", "ScidMismatch", DidLog().changed(0, lambda e: e["state"].update(controller="did:example:thief")), None
    yield "an unknown method version", "Method", DidLog(method="did:webvh:99.0"), None
    yield "a method version that is lower", "Method", DidLog().then(a, method="did:webvh:0.5"), None
    yield "an unknown parameter", "ParameterUnknown", DidLog(prerotation=True), None
    yield "null for a parameter", "ParameterForm", DidLog().then(a, watchers=None), None
    yield "text for a number", "ParameterForm", DidLog(ttl="60"), None
    yield "portability that comes later", "PortableLate", DidLog().then(a, portable=True), None
    yield "moved without being portable", "NotPortable", (lambda log: log.then(a, state={"id": f"did:webvh:{log.scid}:other.example", "alsoKnownAs": [log.did]}))(DidLog()), None
    yield "moved without naming the DID before", "MoveUnnamed", with_state(lambda log: {"id": f"did:webvh:{log.scid}:other.example"}), None
    yield "signed by a stranger", "KeyNotAuthorized", DidLog().then(STRANGER), None
    yield "signed by the key of its own version without pre-rotation", "KeyNotAuthorized", DidLog().then(b, updateKeys=[multikey(b)]), None
    yield "signed by a key that was replaced", "KeyNotAuthorized", DidLog().then(a, updateKeys=[multikey(b)]).then(a), None
    yield "a key that was not committed to", "KeyNotCommitted", rotating_log().then(c, updateKeys=[multikey(c)], nextKeyHashes=[]), None
    yield "a second key that was not committed to", "KeyNotCommitted", rotating_log().then(b, updateKeys=[multikey(b), multikey(a)], nextKeyHashes=[]), None
    yield "pre-rotation without update keys", "UpdateKeysMissing", rotating_log().then(a, nextKeyHashes=[]), None
    yield "pre-rotation without next hashes", "NextKeyHashesMissing", rotating_log().then(b, updateKeys=[multikey(b)]), None
    yield "an entry after deactivation", "AfterDeactivation", DidLog().then(a, deactivated=True).then(a), None
    yield "no update keys at all", "KeyNotAuthorized", DidLog(updateKeys=[]), None
    yield "no proof", "ProofForm", DidLog().changed(0, lambda e: e.update(proof=[])), None
    yield "a signature over something else", "Signature", DidLog().changed(0, lambda e: e["proof"][0].update(proofValue="z" + base58(a.sign(b"")))), None
    yield "a proof of another purpose", "ProofForm", DidLog().then(a, proof={"proofPurpose": "authentication"}), None
    yield "a proof of another suite", "ProofSuite", DidLog().then(a, proof={"cryptosuite": "ecdsa-jcs-2019"}), None
    yield "a did:key whose fragment is another key", "ProofKey", DidLog().then(a, proof={"verificationMethod": f"{did_key(STRANGER)}#{multikey(a)}"}), None
    yield "a proof changed after it was made", "Signature", DidLog().changed(0, lambda e: e["proof"][0].update(created=did_time(1))), None
    yield "a member that an entry has not", "EntryForm", DidLog().changed(0, lambda e: e.update(note="x")), None
    yield "a threshold of zero", "WitnessForm", DidLog(witness=witness_parameter(0, w)), None
    yield "a threshold above the witnesses", "WitnessForm", DidLog(witness=witness_parameter(2, w)), None
    yield "one witness twice", "WitnessForm", DidLog(witness=witness_parameter(1, w, w)), None
    yield "a witness with a P-256 key", "WitnessForm", DidLog(witness=witness_parameter(1, OPERATOR_2)), None
    yield "witnesses without their proofs", "WitnessProofsMissing", DidLog(witness=witness_parameter(1, w)), None
    watched = DidLog(witness=witness_parameter(2, w, v)).then(a)
    yield "too few witnesses", "WitnessThreshold", watched, watched.witnessed((1, w), (0, v))
    yield "one witness counted twice", "WitnessThreshold", watched, watched.witnessed((1, w), (1, w))
    yield "strangers as witnesses", "WitnessThreshold", watched, watched.witnessed((1, w), (1, u))
    other = DidLog(witness=witness_parameter(1, w), place="other.example")
    once = DidLog(witness=witness_parameter(1, w))
    yield "the witness proof of another log", "WitnessThreshold", once, other.witnessed((0, w))
    yield "the witness proof of another log under this version", "WitnessThreshold", once, other.witnessed((0, w)).replace(other.entries[0]["versionId"], once.entries[0]["versionId"])
    yield "a witness proof for a version that is not published", "WitnessThreshold", once, once.witnessed(("2-" + once.scid, w))
    yield "new witnesses approve their own coming", "WitnessThreshold", (swap := DidLog(witness=witness_parameter(1, w)).then(a, witness=witness_parameter(1, v))), swap.witnessed((0, w), (1, v))
    yield "witnesses let go without their word", "WitnessThreshold", (gone := DidLog(witness=witness_parameter(1, w)).then(a, witness={})), gone.witnessed((0, w))


def bad_dids():
    """What is no did:webvh DID."""
    scid = DidLog().scid
    places = ["", ":", "127.0.0.1", "127%2E0%2E0%2E1", "0x7f000001", "%5B%3A%3A1%5D", "example.com%3A0", "example.com%3A65536", "example.com%3A", "example.com%3A80%3A80", "example.com%253A80",
              "example.com:..", "example.com:%2E%2E", "example.com:a%2Fb", "example.com:a%5Cb", "example.com:a%00", "example.com:%20a", "example.com:%zz", "example.com:%e", "example.com:", "example.com::a",
              "exa_mple.com", "-a.example", "example..com", ".example.com", "ex\u0430mple.com", "ex%D0%B0mple.com", "example.com/a", "example.com?a", "example.com#a", "example.com:a#b", "example.com\x00", "a" * 64 + ".example",
              "example.com:a\\b", "example.com:\u212a", "user@example.com", "example.com:a/../b"]
    return [f"did:webvh:{scid}:{place}" for place in places] + [
        f"did:webvh:{scid}", f"did:webvh:{scid[:-1]}:example.com", f"did:webvh:{scid}1:example.com", "did:webvh:{SCID}:example.com", f"did:webvh:{scid[:-1]}0:example.com", f"did:webvh:{scid[:-1]}l:example.com",
        f"DID:webvh:{scid}:example.com", f"did:WEBVH:{scid}:example.com", f"did:web:{scid}:example.com", f" did:webvh:{scid}:example.com", ""]


def dids():
    scid = DidLog().scid
    places = {"example.com": "https://example.com/.well-known/did.jsonl", "issuer.example.com": "https://issuer.example.com/.well-known/did.jsonl",
              "example.com:dids:issuer": "https://example.com/dids/issuer/did.jsonl", "example.com%3A3000:dids:issuer": "https://example.com:3000/dids/issuer/did.jsonl",
              "localhost%3A5000": "https://localhost:5000/.well-known/did.jsonl", "example.com%3a3000": "https://example.com:3000/.well-known/did.jsonl", "example.com:%c3%bc": "https://example.com/%C3%BC/did.jsonl"}
    context = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"], "credentialSubject": {"id": AGENT_DID, "score": 4.5}}
    log = agent_did_log()
    return {
        "keys": [{"key": key.name, "multikey": multikey(key), "did": did_key(key)} for key in (AGENT, OPERATOR_2, *DID_KEYS[:2])],
        "base58": [{"bytes": data.hex(), "text": base58(data)} for data in (b"", b"\0", b"\0\0\x01", b"hello", bytes(range(64)), b"\xff" * 34)],
        "proof": {"key": AGENT.name, "document": jcs(context), "proof": jcs(integrity_proof(context, AGENT, did_time(0)))},
        "agent_log": {"did": log.did, "log": log.text(), "update_secrets": [update_key(AGENT_ID, number).secret.hex() for number in (1, 2, 3)]},
        "registry_log": registry_did_log().text(),

        "locations": [{"did": f"did:webvh:{scid}:{place}", "location": location} for place, location in places.items()],
        "bad": bad_dids(),
        "good_logs": [{"name": name, "did": good.entries[-1]["state"]["id"], "log": good.text(), "witness": witness, "deactivated": off} for name, good, witness, off in good_did_logs()],
        "bad_logs": [{"name": name, "refusal": refusal, "did": asked[0] if asked else bad.did, "log": bad.text(), "witness": witness} for name, refusal, bad, witness, *asked in bad_did_logs()],
    }


# --- canonical JSON cases ---------------------------------------------------------------------------------------------

JCS_TEXTS = [
    '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
    '"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"',
    '[null, true, false]', '{ }', '[ ]', ' {"b" : [ {"z":1,"y":2} ] , "a":{"":0} } ', '[0, -0, -1, 9007199254740991, -9007199254740991]',
    '"\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f\\u2028"', '{"aa":1,"a":2,"A":3,"\\u0000":4}',
]
JCS_REFUSED = [
    "1.0", "1e3", "1.5", "9007199254740992", "-9007199254740992", "1e400", "01", "+1", "NaN", '"\\ud800"', '"\\udc00\\ud800"', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', "[1,]", '{"a":1,}',
    "[1] 2", "", " ", "//\n1", "/**/1", "'a'", '"\t"', "[" * 17 + "]" * 17, '{"a":' + "[" * 16 + "]" * 16 + "}", "\ufeff1", "nul", '{"a"}', "[", '"',
]


# --- key proofs -------------------------------------------------------------------------------------------------------

def key_proofs():
    presented = credential(JTIS[0])
    base = {"jti": "0123456789abcdefghijkl", "htm": "POST", "htu": PUBLIC_URL + "/agentidentity.v1.Credentials/Renew", "iat": SECONDS, "nonce": "the-nonce"}
    body = sha256(b"the serialized message")
    return [
        {"name": "agent, with its credential"} | proof("dpop+jwt", base | {"ath": b64u(bytes.fromhex(presented["token_hash"]))}, AGENT),
        {"name": "operator, with the hash of the message"} | proof("dpop+jwt", base | {"htu": PUBLIC_URL + "/agentidentity.v1.Control/Stop", "body_sha256": b64u(body)}, OPERATOR_1),
        {"name": "P-256, with everything"} | proof("dpop+jwt", base | {"ath": b64u(bytes.fromhex(presented["token_hash"])), "body_sha256": b64u(body)}, ENFORCER),
    ]


# --- the two files ----------------------------------------------------------------------------------------------------

def self_check():
    """Known answers of others: RFC 8032, RFC 6979, RFC 7638, RFC 8037, the Token Status List draft."""
    assert ed_public(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert ed_sign(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
    secret = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    assert ec_sign(secret, b"sample").hex().upper().startswith("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716")
    assert b64u(thumbprint({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQ"
        "MicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
    # The first example of the Token Status List draft: sixteen places of one bit.
    assert bitmap([0, 3, 4, 5, 7, 8, 9, 13, 15], 16)[0].hex() == "b9a3" and zlib.compress(bytes.fromhex("b9a3"), 9).hex() == "78dadbb918000217015d"
    assert b64u(thumbprint({"kty": "RSA", "e": "AQAB", "n": modulus})) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def meeting():
    """An agent asks another; the one that is asked is the agent of these vectors."""
    asked = {"from": f"{REGISTRY_DID}:agents:{DELEGATE_ID}", "to": AGENT_DID, "purpose": "hand over the draft", "nonce": b64u(fixed("meeting nonce")),
             "channel": b64u(sha256(b"air/channel/v1\0", b"the channel"))}
    held, status = credential(JTIS[0])["token"], status_lists(0, [])["token_list"]["token"]
    digest = lambda text: b64u(sha256(text.encode()))
    signed = proof("agentid-answer+jwt", {"ath": digest(held), "challenge": digest(jcs(asked)), "channel": asked["channel"], "from": asked["to"], "purpose": asked["purpose"],
                                          "status": digest(status), "to": asked["from"]}, AGENT)
    return {"challenge": jcs(asked), "channel": b"the channel".hex(), "proof": signed, "answer": jcs({"credential": held, "proof": signed["token"], "status": status})}


def vectors():
    log = list(entries(entry_bodies()))
    salt, payload = fixed("activity salt 0"), b"payload 0"
    return {
        "names": {
            "public_url": PUBLIC_URL, "origin": ORIGIN, "registry_did": REGISTRY_DID, "agent_id": AGENT_ID.bytes.hex(), "agent_uuid": str(AGENT_ID), "agent_did": AGENT_DID,
            "issuer_key_url": f"{REGISTRY_DID}#{b64u(ISSUER.id)}", "operator_1_id": OPERATOR_1_ID.bytes.hex(), "operator_2_id": OPERATOR_2_ID.bytes.hex(),
            "registry_id": REGISTRY_ID.bytes.hex(), "enforcer_id": ENFORCER_ID.bytes.hex(), "token_id": TOKEN_ID.bytes.hex(),
            "delegate_id": DELEGATE_ID.bytes.hex(), "operator_3_id": OPERATOR_3_ID.bytes.hex(),
        },
        "grant": {"sponsor": SPONSOR, "blueprint": BLUEPRINT, "labels": LABELS, "envelope": jcs(ENVELOPE), "audiences": AUDIENCES},
        "times": {"at": AT, "seconds": SECONDS},
        "keys": [key.vector() for key in (ISSUER, NEXT_ISSUER, LOG, NEXT_LOG, OPERATOR_1, OPERATOR_2, ENFORCER, AGENT, OPERATOR_3, BREAK_GLASS, WATCH, DID, PASSKEY, STATING, NEXT_AGENT, INTEGRITY)],
        "label": {"label": fixed(f"label {AGENT_ID}").hex(), "commitment": sha256(b"air/label/v1\0", fixed(f"label {AGENT_ID}")).hex(),
                  "nullifiers": [hmac.digest(fixed(f"label {AGENT_ID}"), b"air/null/v1\0" + u64(n), "sha256").hex() for n in range(3)]},
        "entries": [{name: value for name, value in one.items() if name != "subjects"} for one in log],
        "statements": [{"statement": one.hex(), "identity": sha256(one).hex(), "signature": AGENT.sign(one).hex(), "sequence": n, "kind": kind, "commitments": [c.hex() for c in held]}
                       for n, (one, kind, held) in enumerate(((FIRST_STATEMENT, 1, COMMITMENTS), (SECOND_STATEMENT, 4, [])))],
        "activity_commitment": {"salt": salt.hex(), "payload": payload.hex(), "commitment": commitment(salt, payload).hex()},
        "issuance": {"items": [one.hex() for one in ITEMS], "root": tree_root(ITEMS).hex(), "jtis": [str(jti) for jti in JTIS],
                     "accepted": [sha256(accepted(item, place)).hex() for place, item in enumerate(ITEMS)]},
        "jcs": {"canonical": [{"text": text, "canonical": jcs(json.loads(text))} for text in JCS_TEXTS], "refused": JCS_REFUSED},
        "envelopes": envelope_vectors(),
        "chains": chains(),
        "thumbprints": [{"jwk": '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}', "key_id_text": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}],
        "credentials": [{"name": "of an agent", "jti": str(JTIS[0])} | credential(JTIS[0]), {"name": "of an agent that was delegated to", "jti": str(JTIS[1])} | credential(JTIS[1], ACT),
                        {"name": "of an agent that states labels", "jti": str(JTIS[0])} | credential(JTIS[0], stated=STATED_LABELS),
                        {"name": "of a later status list", "jti": str(JTIS[0])} | credential(JTIS[0], status=STATUS_LIST_SIZE + 5),
                        {"name": "of an agent with evidence", "jti": str(JTIS[0])} | credential(JTIS[0], attested=ATTESTED_LABELS),
                        {"name": "bound to a client certificate", "jti": str(JTIS[0])} | credential(JTIS[0], certificate=fixed("client certificate")),
                        {"name": "bound to a client certificate, and delegated", "jti": str(JTIS[1])} | credential(JTIS[1], ACT, certificate=fixed("client certificate"))],
        "status_lists": [status_lists(0, []), status_lists(1, [0, 5, 7, 8, 131_070, 131_071])],
        "key_proofs": key_proofs(),
        "enrolment_proof": {"token": enrolment_proof(), "enrolment_token": ENROLMENT_TOKEN, "challenge": "the-challenge"},
        "stating": {"agent_id": str(STATING_ID), "labels": STATED_LABELS, "enrolment_proof": enrolment_proof(STATING, STATED_LABELS)["token"]},
        "evidence": {"token_id": str(EVIDENCE_TOKEN_ID), "policy": jcs(EVIDENCE_POLICY), "labels": ATTESTED_LABELS, "hash": fixed("evidence").hex(), "vouch": vouch(),
                     "vouch_hash": sha256(vouch()["token"].rpartition(".")[0].encode()).hex(), "enrolment_proof": enrolment_proof(evidence=fixed("evidence"))["token"]},
        "meeting": meeting(),
        "bootstrap_proofs": [{"name": name, "secret": BOOTSTRAP_SECRET, "token": bootstrap_proof(name, key)} for name, key in (("first operator", OPERATOR_1), ("second operator", OPERATOR_2))],
        "operator_proof": operator_proof(),
        "rotation_proofs": rotation_proofs(),
        "approvals": [{"name": name, "action": jcs(ERASURE_ACTION), "nonce": b64u(fixed("approval nonce")), "token": one}
                      for name, one in zip(("operator 1", "operator 2"), approvals())],
        "passkey_proof": passkey_proof(),
        "passkey_approval": passkey_approval() | {"action": jcs(ERASURE_ACTION), "nonce": b64u(fixed("approval nonce")), "origin": PASSKEY_ORIGIN},
        "erased_stub": {"diagnostic": diagnostic(erased_stub()), "stub": cbor(erased_stub()).hex(), "hash": sha256(b"air/erased/v1\0", cbor(erased_stub())).hex()},
        "did_documents": did_documents(),
        "dids": dids(),
        "anchor_journal": anchor_journal(sha256(ORIGIN.encode()), 5, fixed("anchored root"), [fixed("first sibling"), fixed("second sibling")]),
        "chain_contradiction": chain_contradiction(),
        "anchor": anchor([bytes.fromhex(one["leaf"]) for one in log], 21),
        "checkpoint": checkpoint([bytes.fromhex(one["leaf"]) for one in log]),
        "fork": {"held": 5, "identity": sha256(FIRST_STATEMENT).hex(), "statement": OTHER_FIRST_STATEMENT.hex(), "signature": AGENT.sign(OTHER_FIRST_STATEMENT).hex()},
        "succession": succession([bytes.fromhex(one["leaf"]) for one in log]),
        "receipt": receipt([bytes.fromhex(one["leaf"]) for one in log], 6),
        "cosigned": {"origin": "other.example/log", "size": 21, "note": cosigned_note()},
        "witness_request": witness_request([bytes.fromhex(one["leaf"]) for one in log], 21),
        "promise": promise([bytes.fromhex(one["leaf"]) for one in log[3:6]], 3),
        "trails": {"all opened": trail(), "no activity opened": trail(opens_activities=False), "an activity erased": trail(erases=True),
                   "an activity erased by a passkey": trail(erases=True, by_passkey=True), "the key rotated and replaced": trail(rotates=True),
                   "anchored": trail(anchored=7), "anchored whole": trail(opens_activities=False, anchored=11)},
        "certificates": certificates(),
        "subject_heads": list(chained_heads(bytes.fromhex(one["leaf"]) for one in log[3:7])),
        "watch": watch(),
        "heads_maps": [heads_map(size) for size in (0, 1, 3, 20)],
    }


def wrap(text, width=140):
    return "\n".join(textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False))


def examples(made):
    """The text of each example block of docs/formats.md, by its name."""
    stop = made["entries"][6]
    by_rule = next(one for one in made["entries"] if one["name"] == "stop by a rule")
    statement_example, key = made["statements"][1], made["keys"][6]
    agent_proof, enrolment = made["key_proofs"][0], made["enrolment_proof"]["token"]
    bootstrap = made["bootstrap_proofs"][0]["token"]
    presented = made["credentials"][0]
    heads = made["heads_maps"][2]

    def token(one):
        return f"header  {wrap(one['header'])}\nclaims  {wrap(one['claims'])}\ntoken   {wrap(one['token'])}"

    return {
        "names": f"public JWK   {key['jwk']}\nkey id       {key['key_id']}\nas text      {key['key_id_text']}",
        "entry": f"{wrap(stop['diagnostic'])}\n\n{wrap(stop['entry'])}",
        "opening": f"{wrap(made['entries'][3]['opening_diagnostic'])}\n\n{wrap(made['entries'][3]['opening'])}",
        "leaf": f"leaf       {wrap(stop['leaf'])}\nleaf hash  {stop['leaf_hash']}",
        "statement": f"statement  {wrap(statement_example['statement'])}\nidentity   {statement_example['identity']}\nsignature  {statement_example['signature']}",
        "item": f"item       {wrap(made['issuance']['items'][0])}\nroot of 3  {made['issuance']['root']}",
        "accepted": f"accepted  {wrap(accepted(ITEMS[0], 0).hex())}\nhash      {made['issuance']['accepted'][0]}",
        "envelope": f"{made['envelopes']['example']['canonical']}\n\nH(authority)  {made['envelopes']['authority'][0]['hash']}",
        "credential": token(presented),
        "credential-document": wrap(presented["document"]),
        "token-status-list": token(made["status_lists"][1]["token_list"]),
        "bitstring-status-list": token(made["status_lists"][1]["bitstring"]),
        "key-proof": token(agent_proof),
        "enrolment-proof": token(enrolment),
        "evidence": f"policy  {wrap(made['evidence']['policy'])}\n\na vouch\n{token(made['evidence']['vouch'])}\nhash    {made['evidence']['vouch_hash']}",
        "meeting": f"challenge  {wrap(made['meeting']['challenge'])}\n\n{token(made['meeting']['proof'])}",
        "bootstrap-proof": token(bootstrap),
        "operator-proof": token(made["operator_proof"]),
        "rotation-proof": token(made["rotation_proofs"]["new_key"]),
        "approval": token(made["approvals"][0]["token"]),
        "passkey": "\n".join(f"{name:<20}{wrap(made['passkey_approval'][key])}" for name, key in (
            ("header", "header"), ("claims", "claims"), ("challenge", "challenge"), ("authenticator data", "authenticator_data"), ("client data", "client_data"), ("token", "token"))),
        "rule": f"{wrap(by_rule['diagnostic'])}\n\n{wrap(by_rule['entry'])}",
        "erased-stub": f"{wrap(made['erased_stub']['diagnostic'])}\n\n{wrap(made['erased_stub']['stub'])}",
        "did-documents": wrap(made["did_documents"]["agent"]),
        "multikey": "\n".join(f"{one['key']:<16}{one['did']}" for one in made["dids"]["keys"]),
        "integrity-proof": f"document  {wrap(made['dids']['proof']['document'])}\nproof     {wrap(made['dids']['proof']['proof'])}",
        "did-log": "\n\n".join(map(wrap, made["dids"]["agent_log"]["log"].splitlines())),
        "heads-map": "\n".join(f"key {one['key']} count {one['count']} head {one['head']} index {one['index']}" for one in heads["heads"])
                     + f"\nroot  {heads['root']}\n\nproof of the first\n{wrap(heads['proofs'][0]['proof'])}",
        "checkpoint": f"{made['checkpoint']['note'].rstrip()}\n\nlog key  {made['checkpoint']['vkey']}",
        "succession": made["succession"]["note"].rstrip(),
        "receipt": f"{made['receipt']['receipt'].rstrip()}\n\na policy that accepts it\n{made['receipt']['policy'].rstrip()}",
        "witness-request": made["witness_request"]["request"].rstrip(),
        "promise": made["promise"]["note"].rstrip(),
        "denial": f"{wrap(made['watch']['diagnostic'])}\n\n{wrap(made['watch']['denials'][2])}",
        "watch": "\n".join(f"{made['watch'][one].rstrip()}\n" for one in ("key_note", "terms", "snapshot", "delta", "heartbeat")).rstrip(),
        "acknowledgement": token(made["watch"]["acknowledgement"]),
        "probe": f"{wrap(made['watch']['probed_stop_diagnostic'])}\n\n{wrap(made['watch']['probed_stop'])}\n\n{token(made['watch']['probed_acknowledgement'])}",
        "order": token(made["watch"]["order"]),
        "anchor-journal": wrap(made["anchor_journal"]["journal"]),
        "chain-contradiction": made["chain_contradiction"]["document"].rstrip(),
        "anchor": f"{made['anchor']['note'].rstrip()}\n\nitem  {wrap(made['anchor']['item'])}",
        "trail": wrap(made["trails"]["no activity opened"]["file"][:1400]) + "\n…",
        "certificate": wrap(made["certificates"]["enforced"]["file"][:1400]) + "\n…",
    }


def document_with(blocks):
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- example {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise SystemExit(f"{DOCUMENT.name} has no place for the example '{name}', or several.")
        text = pattern.sub(lambda found: f"{found[1]}```\n{block}\n```\n{found[2]}", text)
    return text


def main():
    self_check()
    made = vectors()
    wanted = {VECTORS: json.dumps(made, indent=1, ensure_ascii=True) + "\n", DOCUMENT: document_with(examples(made))}
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in changed:
            print(f"{path.name} is not what {pathlib.Path(__file__).name} makes", file=sys.stderr)
        raise SystemExit(1 if changed else 0)
    for path in changed:
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
