"""What the programs that check files of formats.json have in common: how they say that something is wrong, and their command lines."""
import json
import pathlib
import sys

from make_formats import VECTORS


class Wrong(Exception):
    pass


def require(holds, words):
    if not holds:
        raise Wrong(words)


def problem_of(examine, data, vkey):
    """What does not hold, or None; and what was found when everything does."""
    try:
        return None, examine(data, vkey)
    except Wrong as wrong:
        return str(wrong), None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as broken:
        return f"the file has no form that is known ({broken!r})", None


def check_vectors(section, examine, confirm):
    for name, made in json.loads(VECTORS.read_text(encoding="utf-8"))[section].items():
        data, failures = bytes.fromhex(made["file"]), 0
        problem, found = problem_of(examine, data, made["vkey"])
        require(problem is None, f"{name}: {problem}")
        word, changed = confirm(made, found), range(0, len(data), 97)
        for at in changed:
            failures += problem_of(examine, data[:at] + bytes([data[at] ^ 1]) + data[at + 1:], made["vkey"])[0] is not None
        require(failures == len(changed), f"{name}: {len(changed) - failures} changed files pass")
        print(f"{name}: {word}, and {failures} changed ones fail")


def run(section, examine, describe, confirm):
    """examine(data, vkey) raises Wrong or finds something, describe(found) says it, and confirm(made, found) holds it against the vectors and says it in a word."""
    try:
        if sys.argv[1:] == ["--vectors"]:
            check_vectors(section, examine, confirm)
            return
        file, vkey = sys.argv[1:]
        problem, found = problem_of(examine, pathlib.Path(file).read_bytes(), vkey.strip())
        print(problem or describe(found))
        sys.exit(1 if problem else 0)
    except Wrong as wrong:
        sys.exit(str(wrong))
