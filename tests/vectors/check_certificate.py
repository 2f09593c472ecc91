#!/usr/bin/env python3
"""Checks a containment certificate (docs/formats.md) with an implementation of its own: the standard library of Python 3, nothing of the product.

    python3 tests/vectors/check_certificate.py FILE VKEY   prints the level, and who has not signed; exit code 0 when everything holds under the log key, else 1 and the reason
    python3 tests/vectors/check_certificate.py --vectors   checks the files of formats.json, and that changed ones fail
"""
import base64
import json
import uuid

from check_trail import Reader, Trail, consistent, decode, hashes, key_id, open_checkpoint, root_of, verify
from checking import require, run
from make_formats import b64, cbor, sha256, thumbprint, view_of

RECORDED, NODES, ENFORCED, EXHAUSTED = 1, 2, 3, 4
LEVELS = {NODES: "NODES", ENFORCED: "ENFORCED", EXHAUSTED: "EXHAUSTED"}
ISSUER_KEY, EVERYTHING, AUDIENCE, RESOURCE, RESTRICTED = 11, 12, 8, 9, 2
TRIGGERS, STATES = {1: "fork", 2: "envelope-exceeded", 3: "delegation-burst", 4: "proof-replayed"}, {2: "restricted", 3: "frozen"}


def parts(token):
    header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    return json.loads(header), json.loads(claims), token.rpartition(".")[0].encode(), signature


class Certificate(Trail):
    """A certificate's entries are opened, and its registry's keys told, as those of a trail."""

    def __init__(self, data, vkey):
        reader, self.items, self.data, seal_at = Reader(data), [], data, 0
        while reader.at < len(data):
            seal_at = reader.at if data[reader.at:reader.at + 2] == b"\x82\x0b" else seal_at
            self.items.append(reader.value())
        order = [{7: 0, 4: 1, 8: 1, 9: 2, 10: 3, 12: 4, 11: 5, 6: 6}[item[0]] for item in self.items]
        require(order == sorted(order) and order.count(0) == order.count(5) == order.count(6) == 1 and order.count(4) < 2, "the items are not in their order")
        require(self.items[-1] == [6, len(self.items) - 1], "the end names another number of items")
        _, version, named, self.incident, note = self.items[0]
        require(version == 1 and named == vkey, "another version or log key")
        self.origin, self.size, self.root, self.log_key = open_checkpoint(note, vkey)
        self.seal(self.items[-2][1], vkey, data[:seal_at])
        self.entries, self.shown = {}, {}

    def of_kind(self, kind):
        return [item for item in self.items if item[0] == kind]

    def seal(self, note, vkey, before):
        text, _, signature = note.partition("\n\n")
        label, origin, self.made_at, digest = text.split("\n")
        raw = base64.b64decode(signature.split(" ")[2])
        require(signature == f"\u2014 {origin} {b64(raw)}\n" and raw[:4] == sha256(origin.encode() + b"\n\1", self.log_key)[:4], "the seal has another signer")
        require(label == "agentidentity.v1/certificate" and origin == vkey.split("+")[0] and digest == b64(sha256(before)), "the seal is of another file")
        require(verify(2, self.log_key, (text + "\n").encode(), raw[4:]), "the seal is not signed by the log key")
        self.made_at = int(self.made_at)

    def check(self):
        opened = [item for item in self.items if item[0] in (4, 8)]
        require([item[1] for item in opened] == sorted({item[1] for item in opened}), "entries are not in their order")
        for item in opened:
            self.entries[item[1]] = self.opened(*item[1:6])
        self.registry_keys([item for item in self.of_kind(4) if self.entries[item[1]][1] in (1, 8, 16)])
        require(max(entry[2] for entry in self.entries.values()) <= self.made_at, "the certificate is older than what it shows")
        for item in self.of_kind(8):
            self.under_their_entry(item)
        self.people()
        self.acknowledgements()
        self.stops = [self.stop(*item[1:]) for item in self.of_kind(9)]
        self.anchors(self.of_kind(12))
        require(self.stops and [item[1] for item in self.of_kind(9)] == sorted({item[1] for item in self.of_kind(9)}), "stops are not in their order")

    def under_their_entry(self, item):
        entry = self.entries[item[1]]
        require(entry[1] in (5, 24) and item[6], "items are shown of an entry that has none")
        for position, value, path in item[6]:
            require(root_of(position, entry[5][2], sha256(b"\0", value), hashes(path)) == entry[5][1], f"an item does not lead to the root in entry {item[1]}")
            self.shown[item[1], position] = value

    def people(self):
        self.enforcers, self.removed = {}, {}
        for index, entry in sorted(self.entries.items()):
            body = entry[5]
            if entry[1] in (22, 23):
                self.operator_change(index, entry)
            if entry[1] == 23:
                self.removed[body[1]] = index
            elif entry[1] == 2:
                require(body[1] == 3 and entry[3][0][0] not in self.enforcers, f"entry {index} registers no new enforcer")
                self.enforcers[entry[3][0][0]] = (index, body)

    def acknowledgements(self):
        self.signed, self.newest = {}, {}
        proofs = {item[1]: hashes(item[2]) for item in self.of_kind(10)}
        for index, entry in self.entries.items():
            require(entry[1] != 24 or all(subject[0] in self.enforcers for subject in entry[3]), f"entry {index} has acknowledgements of an enforcer that is not shown")
        for (index, position), value in sorted(self.shown.items()):
            if self.entries[index][1] != 24:
                continue
            header, claims, signing_input, signature = parts(value.decode())
            enforcer, (registered, body) = next((pair for pair in self.enforcers.items() if key_id(pair[1][1][3], pair[1][1][4]) == thumbprint(header["jwk"])), (None, (0, None)))
            require(body is not None and registered < index and enforcer in [subject[0] for subject in self.entries[index][3]], "an acknowledgement is of an enforcer that is not shown")
            require(header["typ"] == "agentid-ack+jwt" and verify(body[3], body[4], signing_input, signature), f"the acknowledgement of {body[2]} is not signed by it")
            require(claims["aud"] == self.url and claims["origin"] in dict(self.logs), f"the acknowledgement of {body[2]} is for another registry")
            require(base64.urlsafe_b64decode(claims["view"] + "=") == view_of(body[5]), f"the acknowledgement of {body[2]} is for another view")
            if claims["size"]:
                root = base64.urlsafe_b64decode(claims["root"] + "=")
                require(claims["size"] <= index and consistent(claims["size"], self.size, root, proofs[claims["size"]]) == self.root, f"{body[2]} has seen another tree")
            self.signed[index, position] = (enforcer, claims)
            self.newest[enforcer] = claims

    def stop(self, index, denial, exposed, signed, word):
        entry = self.entries[index]
        body, held = entry[5], decode(denial)
        require(entry[1] in (7, 21), f"entry {index} is no stop")
        scope, incident, epoch = (body[1], body[2]), body[5], body[6]
        state, after = (body[3], []) if entry[1] == 7 else (3, [body[3]])
        require(incident == self.incident, f"the stop of entry {index} is of another incident")
        require(held[:7] == [1, index, epoch, state, *scope, after] and cbor(held) == denial, f"the denial of entry {index} is another")
        if 9 in body:
            self.ruled(index, body)
        until = {}
        for at in exposed:
            item = decode(self.shown[tuple(at)])
            require(self.entries[at[0]][1] == 5 and at[0] < index and item[5] * 1000 > entry[2], "an exposed credential is none")
            for audience in item[3]:
                until[audience] = max(until.get(audience, 0), item[5] * 1000)
        lifted = self.lifted(index, scope)
        times = self.signatures(index, epoch, denial, [uuid.UUID(bytes=jti) for jti in body.get(8, [])], signed)
        concerned = [enforcer for enforcer, (registered, body) in self.enforcers.items() if registered < index and self.concerns(scope, body[5], until)]
        needed = [enforcer for enforcer in concerned if enforcer not in self.removed]
        gone = [self.entries[self.removed[enforcer]][2] for enforcer in concerned if self.removed.get(enforcer, 0) > index]
        for enforcer, progress, at, _ in word:
            require(enforcer in self.enforcers and enforcer not in times and 1 <= progress <= 6, "the registry's word is about somebody else")
        missing = [self.enforcers[enforcer][1][2] for enforcer in needed if enforcer not in times]
        if missing or not needed:
            return NODES, 0, missing
        enforced = max([times[enforcer] for enforcer in needed] + gone)
        exhausted = max([enforced, *until.values()])
        is_endless = state == RESTRICTED or after or scope[0] in (ISSUER_KEY, AUDIENCE, RESOURCE)
        is_over = exhausted <= self.made_at and not is_endless and (lifted is None or exhausted <= lifted)
        return (EXHAUSTED if is_over else ENFORCED), enforced, []

    def ruled(self, index, body):
        """Two people had switched on the rule that stopped."""
        rules = self.entries[body[9]]
        require(body[9] < index and rules[1] == 50, f"the stop of entry {index} names no rules")
        texts = [f"{TRIGGERS[trigger]}:{count}/{seconds}:{STATES[state]}" for trigger, count, seconds, state in rules[5][1]]
        self.approvals(body[9], rules, {"type": "set-rules", "rules": texts, "reason": rules[5][2]}, rules[5][3])
        require([body[10], body[3]] in [[rule[0], rule[3]] for rule in rules[5][1]] and body[1] == (2 if body[10] == 3 else 1) and body[7] == "", f"the stop of entry {index} is not by its rule")

    @staticmethod
    def concerns(scope, audiences, until):
        if scope[0] in (ISSUER_KEY, EVERYTHING):
            return True
        return scope[1].decode() in audiences if scope[0] == AUDIENCE else any(audience in until for audience in audiences)

    def lifted(self, index, scope):
        for by, entry in sorted(self.entries.items()):
            body = entry[5]
            if by > index and entry[1] == 17 and index in body[1]:
                self.approvals(by, self.entries[by], {"type": "restore", "stops": body[1], "reason": body[2]}, body[3])
                return entry[2]
            if by > index and entry[1] == 21 and (body[1], body[2]) == scope and body[7] and self.entries[index][1] == 21:
                return entry[2]
        return None

    def signatures(self, index, epoch, denial, probes, signed):
        times = {}
        for entry, position, place, count, path in signed:
            enforcer, claims = self.signed[entry, position]
            require(entry > index and claims["epoch"] >= epoch and claims["observe_only"] == 0 and enforcer not in times, "an acknowledgement does not cover the stop")
            probe = claims.get("probe", {"after": ""})
            require(probe["after"] != "NONE" or uuid.UUID(probe["jti"]) not in probes, "an enforcer says that the stop's probe was let in")
            require(root_of(place, count, sha256(b"\0", denial), hashes(path)) == base64.urlsafe_b64decode(claims["digest"] + "="), "an enforcer has signed a digest that does not hold the stop")
            times[enforcer] = max(self.entries[entry][2], self.entries[index][2])
        return {enforcer: at for enforcer, at in times.items() if self.newest[enforcer]["observe_only"] == 0}


def examine(data, vkey):
    """The level; when it was enforced; who has not signed."""
    certificate = Certificate(data, vkey)
    certificate.check()
    level, enforced = min(stop[0] for stop in certificate.stops), max(stop[1] for stop in certificate.stops)
    return level, enforced if level >= ENFORCED else 0, sorted({name for stop in certificate.stops for name in stop[2]})


def describe(found):
    level, _, missing = found
    return LEVELS[level] + (f", without {', '.join(missing)}" if missing else "")


def confirm(made, found):
    require(found[:2] == (made["level"], made["enforced_at"]), f"the level and time are {found[:2]}")
    return LEVELS[found[0]]


if __name__ == "__main__":
    run("certificates", examine, describe, confirm)
