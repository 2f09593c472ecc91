#!/usr/bin/env python3
"""Checks a trail file (docs/formats.md, "Trail file") with an implementation of its own: the standard library of Python 3, nothing of the product.

    python3 tests/vectors/check_trail.py FILE VKEY   exit code 0 when everything holds under the log key, else 1 and the reason
    python3 tests/vectors/check_trail.py --vectors   checks the files of formats.json, and that changed ones fail
"""
import base64
import hmac
import json
import uuid

from checking import Wrong, require, run
from curves import P256
from make_formats import ED_B, ED_D, ED_L, ED_P, ed_add, ed_multiply, sha256, sha512, b64u, map_bit, thumbprint, u64


# --- reading ----------------------------------------------------------------------------------------------------------

class Reader:
    """Deterministic CBOR: integers, byte strings, text, arrays and maps with ascending integer keys, each in its shortest form."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        require(self.at + count <= len(self.data), "the bytes end too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def value(self):
        first = self.take(1)[0]
        major, low = first >> 5, first & 31
        require(low < 28 and major < 6, "not one of the forms in use")
        number = low
        if low >= 24:
            number = int.from_bytes(self.take(1 << (low - 24)), "big")
            require(number >= (24, 1 << 8, 1 << 16, 1 << 32)[low - 24], "a number is not in its shortest form")
        if major == 0:
            return number
        if major == 2:
            return self.take(number)
        if major == 3:
            return self.take(number).decode()
        if major == 4:
            return [self.value() for _ in range(number)]
        require(major == 5, "negative numbers are not in use")
        pairs = [(self.value(), self.value()) for _ in range(number)]
        require(all(a[0] < b[0] for a, b in zip(pairs, pairs[1:])), "the keys of a map ascend")
        return dict(pairs)


def decode(data):
    reader = Reader(data)
    value = reader.value()
    require(reader.at == len(data), "something stands behind a value")
    return value


def hashes(path):
    require(len(path) % 32 == 0, "a path is some hashes")
    return [path[at:at + 32] for at in range(0, len(path), 32)]


# --- proofs and signatures --------------------------------------------------------------------------------------------

def root_of(index, size, leaf_hash, path):
    """RFC 9162, section 2.1.3.2."""
    require(index < size, "the index is outside the tree")
    position, last, root = index, size - 1, leaf_hash
    for sibling in path:
        require(last > 0, "a path is too long")
        if position & 1 or position == last:
            root = sha256(b"\1", sibling, root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            root = sha256(b"\1", root, sibling)
        position, last = position >> 1, last >> 1
    require(last == 0, "a path is too short")
    return root


def ed_point(data):
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(ED_D * y * y + 1, -1, ED_P) % ED_P
    x = pow(square, (ED_P + 3) // 8, ED_P)
    if x * x % ED_P != square:
        x = x * pow(2, (ED_P - 1) // 4, ED_P) % ED_P
    require(y < ED_P and x * x % ED_P == square, "not a point")
    return (ED_P - x if x & 1 != sign else x, y)


def ed_verify(public, message, signature):
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(sha512(signature[:32], public, message), "little") % ED_L
    return s < ED_L and ed_multiply(ED_B, s) == ed_add(ed_point(signature[:32]), ed_multiply(ed_point(public), k))


def ec_verify(public, message, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < P256.n and 0 < s < P256.n):
        return False
    w = pow(s, -1, P256.n)
    digest = int.from_bytes(sha256(message), "big")
    point = (int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big"))
    found = P256.add(P256.point(digest * w % P256.n), P256.multiply(point, r * w % P256.n))
    return found is not None and found[0] % P256.n == r


def verify(alg, public, message, signature):
    return len(signature) == 64 and (ec_verify if alg == 1 else ed_verify)(public, message, signature)


def key_id(alg, public):
    jwk = {"kty": "EC", "crv": "P-256", "x": b64u(public[:32]), "y": b64u(public[32:])} if alg == 1 else {"kty": "OKP", "crv": "Ed25519", "x": b64u(public)}
    return thumbprint(jwk)


def open_checkpoint(note, vkey):
    """Size and root of a note that the key has signed, and the key."""
    name, _, typed = vkey.split("+", 2)
    key = base64.b64decode(typed)[1:]
    size, root, extensions = signed_checkpoint(note, name, key)
    require(not extensions, "the checkpoint has lines that nobody knows")
    return name, size, root, key


def signed_checkpoint(note, name, key):
    text, _, signatures = note.rpartition("\n\n")
    origin, size, root, *extensions = text.split("\n")
    require(origin == name, "the checkpoint is of another log")
    mine = [base64.b64decode(line.split(" ")[2]) for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    wanted = sha256(name.encode() + b"\n", b"\1", key)[:4]
    mine = [one[4:] for one in mine if one[:4] == wanted]
    require(mine and all(ed_verify(key, (text + "\n").encode(), one) for one in mine), "the checkpoint is not signed by the log key")
    return int(size), base64.b64decode(root), extensions


def head_in_map(proof, root, label):
    steps, leaf = proof[:-80], proof[-80:]
    require(len(proof) >= 80 and len(steps) % 33 == 0 and leaf[:32] == label, "the map proof is not for this label")
    depths = [steps[at] for at in range(0, len(steps), 33)]
    require(all(a < b for a, b in zip(depths, depths[1:])), "the depths of a map proof grow")
    found = sha256(b"\0", leaf)
    for at in reversed(range(0, len(steps), 33)):
        sibling = steps[at + 1:at + 33]
        found = sha256(b"\1", steps[at:at + 1], sibling, found) if map_bit(label, steps[at]) else sha256(b"\1", steps[at:at + 1], found, sibling)
    require(found == root, "the map proof does not lead to the root in the heads entry")
    return int.from_bytes(leaf[32:40], "big"), leaf[40:72], int.from_bytes(leaf[72:], "big")


# --- the file ---------------------------------------------------------------------------------------------------------

ACTIVITY_CLASSES = (2, 3)


class Trail:
    def __init__(self, data, vkey):
        reader, self.items = Reader(data), []
        while reader.at < len(data):
            self.items.append(reader.value())
        kinds = [item[0] for item in self.items]
        require(kinds == sorted(kinds, key=lambda kind: {0: 0, 4: 1, 1: 2, 2: 2, 3: 2, 5: 3, 6: 4}[kind]) and kinds.count(0) == kinds.count(5) == kinds.count(6) == 1, "the items are not in their order")
        require(self.items[-1] == [6, len(self.items) - 1], "the end names another number of items")
        _, version, named, self.agent, self.label, note = self.items[0]
        require(version == 1 and named == vkey, "another version or log key")
        self.origin, self.size, self.root, self.log_key = open_checkpoint(note, vkey)

    def check(self):
        self.registry_keys([item for item in self.items if item[0] == 4])
        self.about_agent([item for item in self.items if item[0] in (1, 2, 3)])
        self.heads(self.items[-2])

    def opened(self, index, leaf, path, entry, salt):
        require(root_of(index, self.size, sha256(b"\0", leaf), hashes(path)) == self.root, f"entry {index} does not lead to the root")
        value = decode(entry)
        require(leaf[0] == 1 and leaf[-32:] == sha256(b"air/leaf/v1\0", salt, entry), f"entry {index} does not open its leaf")
        wanted = value[5][4] if value[1] == 6 else 1
        require(leaf[1] == wanted and len(leaf) == 4 + 32 * len(value[3]) + 32, f"entry {index} is of another class or number of subjects than its leaf")
        return value

    def registry_keys(self, items):
        genesis = self.opened(*items[0][1:])
        require(items[0][1] == 0 and genesis[1] == 1, "genesis is missing")
        # The logs so far, each with its key: a statement, or an acknowledgement, may be of an earlier one.
        self.logs = [(genesis[5][2], next(public for use, alg, public in genesis[5][3] if (use, alg) == (2, 2)))]
        # Each with its person's id and name, its key, where it signs when it is a passkey, and from which time and until which entry it approves.
        self.url, self.operators = genesis[5][1], [[person, name, alg, public, None, 0, None] for person, name, alg, public, _ in genesis[5][4]]
        self.approvals_needed = genesis[5][5]
        self.registry, in_force = genesis[3][0][0], {use: key_id(alg, public) for use, alg, public in genesis[5][3]}
        for item in items[1:]:
            entry = self.opened(*item[1:])
            body = entry[5]
            if entry[1] in (22, 23):
                self.operator_change(item[1], entry)
                continue
            if entry[1] == 16:
                self.succeeded(item[1], body)
                continue
            require(body[1] == 1 and in_force.get(body[1]) == body[4], "a rotation ends a key that is not in force")
            in_force[body[1]] = key_id(body[2], body[3])
        require(self.logs[-1] == (self.origin, self.log_key), "the entries name another origin or log key than those of the checkpoint")

    def succeeded(self, index, body):
        before, note, origin, alg, key, reason = (body[number] for number in range(1, 7))
        name, old = self.logs[-1]
        size, _, extensions = signed_checkpoint(note, name, old)
        require(before == name and alg == 2 and size <= index, f"entry {index} does not succeed the log before")
        require(origin == f"{self.logs[0][0]}/{len(self.logs) + 1}", f"entry {index} opens a log of another number")
        require(not extensions or (reason == 1 and self.named_by(extensions) == (origin, key)), f"entry {index}: the last checkpoint of the log before names another successor")
        self.logs.append((origin, key))

    @staticmethod
    def named_by(extensions):
        label, _, vkey = extensions[0].partition(" ")
        name, _, typed = vkey.split("+", 2)
        require(len(extensions) == 1 and label == "agentidentity.v1/successor", "a succession note has another line")
        return name, base64.b64decode(typed)[1:]

    def about_agent(self, items):
        self.chain, self.count, self.last = bytes(32), len(items), None
        previous, number, stopped, statements, erased = bytes(32), 0, set(), {}, {}
        of_key, order = set(), None
        for sequence, item in enumerate(items):
            leaf, entry = item[2] if item[0] == 3 else item[3], None
            require((item[1] if item[0] == 3 else item[2]) == sequence, f"number {sequence} about the agent is missing")
            require(hmac.digest(self.label, b"air/null/v1\0" + u64(sequence), "sha256") in hashes(leaf[4:-32]), f"number {sequence} shows another nullifier")
            self.chain = sha256(b"air/head/v1\0", self.chain, sha256(b"\0", leaf))
            self.last = None
            if item[0] == 1:
                self.last, entry = item[1], self.opened(item[1], *item[3:7])
                require([self.agent, sequence] in [subject[:2] for subject in entry[3]], f"entry {item[1]} is not about the agent")
            require(item[0] != 3 or len(leaf) == 4 + 32 + 32, f"number {sequence} is closed and about several subjects")
            if sequence == 0:
                self.enrolled(entry)
            if item[0] == 2:
                self.last, stub = item[1], self.stub(item, sequence, leaf)
                require(stub[4] == number and previous in (None, stub[6]), f"statement {number} was expected")
                erased[item[1]], previous, number = stub, stub[5], number + 1
                statements[item[1]] = (stub[5], number - 1)
                require(leaf[1] == 3 or not stopped, f"number {sequence} is not quarantined, after a stop")
            elif leaf[1] in ACTIVITY_CLASSES:
                require(leaf[1] == 3 or not stopped, f"number {sequence} is not quarantined, after a stop")
                previous, number = self.activity(entry, previous, number)
                if entry is not None:
                    statements[item[1]] = (previous, number - 1)
            elif entry is None:
                raise Wrong(f"number {sequence} is closed and no activity")
            elif entry[1] == 4:
                require(sequence == 0, "the agent is enrolled a second time")
            elif entry[1] == 5:
                require(not stopped, f"entry {item[1]} issues a credential after a stop")
                self.issued(entry[5], item[7])
            elif entry[1] == 7:
                require(entry[5][3] in (2, 3, 4), "a stop stops nothing")
                # A credential that is stopped, and an agent that may still read, go on being recorded; a key that was the agent's before stops it no longer.
                if entry[5][1] != 3 and entry[5][3] != 2 and (entry[5][1] != 4 or entry[5][2] == key_id(self.alg, self.public)):
                    stopped.add(item[1])
                    of_key |= {item[1]} if entry[5][1] == 4 else set()
            elif entry[1] == 28:
                self.rotated(entry, order)
                order, previous, number, stopped = None, bytes(32), 0, stopped - of_key
            elif entry[1] == 29:
                require(entry[5][1] == self.agent, "an order is about another agent")
                order = item[1], entry[5]
            elif entry[1] == 12:
                self.fork(item[1], entry[5], statements)
            elif entry[1] == 17:
                stopped -= set(entry[5][1])
            elif entry[1] == 18:
                require(self.agent in (entry[5][1], entry[5][3]), "a delegation is between other agents")
            elif entry[1] == 34:
                require(entry[5][1] == self.agent and self.proven(entry[5][8]).get("evidence_hash") == b64u(entry[5][5]), "the agent's key does not claim the evidence")
            elif entry[1] == 13:
                self.erasure(entry, item[1], erased)
        require(not erased, "something was erased, and no entry says so")

    def stub(self, item, sequence, leaf):
        require(root_of(item[1], self.size, sha256(b"\0", leaf), hashes(item[4])) == self.root, f"entry {item[1]} does not lead to the root")
        stub = decode(item[5])
        require(stub[1] == self.agent and stub[2] == sequence and stub[3] == key_id(self.alg, self.public), "a stub is another's")
        require(stub[8] == leaf[1] and len(leaf) == 4 + 32 + 32, "a stub is not of the activity in its leaf")
        return stub | {"bytes": item[5]}

    def erasure(self, entry, index, erased):
        body = entry[5]
        action = {"type": "erase", "agent": str(uuid.UUID(bytes=self.agent)), "indexes": body[2], "reason": body[3]}
        self.approvals(index, entry, action, body[4])
        require(body[1] == self.agent, "an erasure is of another agent")
        for at, named in zip(body[2], body[5], strict=True):
            if stub := erased.pop(at, None):
                require((stub[9], stub[10]) == (index, entry[2]) and named == sha256(b"air/erased/v1\0", stub["bytes"]), "an erasure names another stub")

    def operator_change(self, index, entry):
        body = entry[5]
        if entry[1] == 23:
            self.approvals(index, entry, {"type": "remove-caller", "caller": str(uuid.UUID(bytes=body[1])), "reason": body[2]}, body[3])
            for known in self.operators:
                known[6] = index if known[0] == body[1] else known[6]
            return
        action = {"type": "add-operator", "jkt": b64u(key_id(body[2], body[3])), "name": body[1]} | ({"origin": body[7]} if 7 in body else {})
        self.approvals(index, entry, action, body[5])
        self.operators.append([entry[3][0][0], body[1], body[2], body[3], body.get(7), entry[2] + 24 * 3_600_000, None])

    def approvals(self, index, entry, action, tokens):
        names = {self.approved(index, entry[2], token, action) for token in tokens}
        require(len(names) == len(tokens) >= self.approvals_needed, "there are too few approvals")

    def approved(self, index, at, token, action):
        """The name of the operator who approved it, with a key or with a passkey."""
        parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
        header, said = json.loads(parts[0]), json.loads(parts[1])
        known = [one for one in self.operators if key_id(one[2], one[3]) == thumbprint(header["jwk"]) and at >= one[5] and (one[6] is None or index < one[6])]
        require(len(known) == 1, "an approval is no operator's")
        _, name, alg, public, origin, _, _ = known[0]
        signed = token.rpartition(".")[0].encode() if origin is None else self.seen_by_passkey(parts, origin)
        require(header["typ"] == ("agentid-approval+jwt" if origin is None else "agentid-approval+passkey"), "an approval is of another type")
        require(verify(alg, public, signed, parts[-1]), "an approval is not signed by its operator")
        require(said["action"] == action and said["aud"] == self.url, "an approval is for something else")
        return name

    @staticmethod
    def seen_by_passkey(parts, origin):
        """What a passkey signed, when browser and authenticator saw the right page and its owner."""
        _, claims, authenticator, client, _ = parts
        seen, host = json.loads(client), origin.split("://")[1].split(":")[0]
        require(seen["type"] == "webauthn.get" and seen["origin"] == origin and not seen.get("crossOrigin", False) and "topOrigin" not in seen, "a passkey signed on another page")
        require(seen["challenge"] == b64u(sha256(b"agentid-approval+passkey\0", claims)), "a passkey signed something else")
        require(len(authenticator) == 37 and authenticator[:32] == sha256(host.encode()) and authenticator[32] & 0xC5 == 0x05, "a passkey signed without its owner")
        return authenticator + sha256(client)

    def enrolled(self, entry):
        require(entry is not None and entry[1] == 4 and entry[5][1] == self.agent, "the first entry does not enrol the agent")
        self.alg, self.public = entry[5][3], entry[5][4]
        self.keys = {key_id(self.alg, self.public): (self.alg, self.public)}
        claims = self.proven(entry[5][10])
        require(len(claims["token_hash"]) == 43 and claims.get("labels", {}) == dict(entry[5].get(11, [])), "the enrolment proof is for something else")
        commitments = [subject[2] for subject in entry[3] if subject[0] == self.agent]
        require(commitments == [sha256(b"air/label/v1\0", self.label)], "another label is committed")

    def proven(self, token):
        """What an enrolment proof of the agent's key, for this registry, claims."""
        header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
        header, claims = json.loads(header), json.loads(claims)
        require(header["typ"] == "agentid-enrol+jwt" and claims["aud"] == self.url, "the enrolment proof is for something else")
        require(verify(self.alg, self.public, token.rpartition(".")[0].encode(), signature), "the enrolment proof is not signed by the agent's key")
        require(thumbprint(header["jwk"]) == key_id(self.alg, self.public), "the key did not ask for its enrolment")
        return claims

    def rotated(self, entry, order):
        """The agent has another key: the one before agrees, or an order lets it in."""
        body = entry[5]
        old, new = (self.alg, self.public), (body[3], body[4])
        require(body[1] == self.agent and body[2] == key_id(*old), "a rotation ends a key that is not the agent's")
        made = self.rotation_proof(body[5], new)
        if 7 in body:
            require(order is not None and order[0] == body[7] and entry[2] < order[1][3] and body[6] == "", "a rotation is under an order that does not stand")
            require(made["token_hash"] == b64u(order[1][2]), "a rotation is under another token than that of its order")
        else:
            require(made["jkt"] == b64u(body[2]) and self.rotation_proof(body[6], old)["jkt"] == b64u(key_id(*new)), "the proofs of a rotation do not name each other's key")
        self.alg, self.public = new
        self.keys[key_id(*new)] = new

    def rotation_proof(self, token, key):
        header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
        header, claims = json.loads(header), json.loads(claims)
        require(header["typ"] == "agentid-rotate+jwt" and claims["aud"] == self.url and claims["agent"] == str(uuid.UUID(bytes=self.agent)), "a rotation proof is for something else")
        require(thumbprint(header["jwk"]) == key_id(*key) and verify(*key, token.rpartition(".")[0].encode(), signature), "a rotation proof is not signed by its key")
        return claims

    def statement(self, data, alg, signature, any_key=False):
        length = int.from_bytes(data[12:14], "big")
        require(data[:12] == b"air/stmt/v1\0" and data[14:14 + length].decode() in dict(self.logs), "a statement is for another log")
        fields = data[14 + length:]
        # The second statement of a fork may be by a key that has ended.
        named = fields[16:48] if any_key else key_id(self.alg, self.public)
        require(fields[:16] == self.agent and fields[16:48] == named and named in self.keys, "a statement is another's")
        require(alg == self.keys[named][0] and verify(*self.keys[named], data, signature), "a statement is not signed by the agent's key")
        return int.from_bytes(fields[48:56], "big"), fields[56:88]

    def activity(self, entry, previous, number):
        if entry is None:
            return None, number + 1
        sequence, names = self.statement(entry[5][1], entry[5][2], entry[5][3])
        require(sequence == number and previous in (None, names), f"statement {number} was expected")
        return sha256(entry[5][1]), number + 1

    def issued(self, body, items):
        require(items, "an issuance shows no credential of the agent")
        for position, item, path in items:
            require(root_of(position, body[2], sha256(b"\0", item), hashes(path)) == body[1], "a credential does not lead to the root of its entry")
            value = decode(item)
            require(value[1] == self.agent and value[2] == key_id(self.alg, self.public), "a credential is another's")

    def fork(self, index, body, statements):
        sequence, names = self.statement(body[3], body[4], body[5], any_key=True)
        require(body[1] < index and body[1] in statements, "what a fork names is not shown before it")
        held, number = statements[body[1]]
        require(held == body[2], "a fork names another statement than the entry holds")
        require((sequence == number and sha256(body[3]) != held) or (sequence == number + 1 and names != held), "nothing was forked")

    def heads(self, item):
        entry = self.opened(*item[1:6])
        require(entry[1] == 11 and item[1] == self.size - 1 and [subject[0] for subject in entry[3]] == [self.registry], "the heads entry is not the last under the checkpoint")
        count, chain, index = head_in_map(item[6], entry[5][1], self.label)
        require((count, chain) == (self.count, self.chain) and self.last in (None, index), f"{count} entries are about the agent, and these {self.count} are others")


def examine(data, vkey):
    Trail(data, vkey).check()


if __name__ == "__main__":
    run("trails", examine, lambda _: "everything holds", lambda made, _: "holds")
