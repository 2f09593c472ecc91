"""Adds up the result files of a test run: names what failed and what was skipped with its reason, and closes with the totals."""
import pathlib
import sys
import xml.etree.ElementTree as xml

SCHEMA = "{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}"


def results(folder):
    for path in sorted(pathlib.Path(folder).glob("*.trx")):
        for result in xml.parse(path).getroot().iter(SCHEMA + "UnitTestResult"):
            error = f"{SCHEMA}Output/{SCHEMA}ErrorInfo/{SCHEMA}"
            yield result.get("outcome"), result.get("testName"), result.findtext(error + "Message", "").strip() or "no reason was given", result.findtext(error + "StackTrace", "").strip()


def main():
    counts = {"Passed": 0, "Failed": 0, "NotExecuted": 0}
    for outcome, name, reason, where in results(sys.argv[1]):
        counts[outcome if outcome in counts else "Failed"] += 1
        if outcome == "NotExecuted":
            print(f"skipped: {name}: {reason}")
        elif outcome != "Passed":
            print(f"failed: {name}: {reason}\n{where}")
    print(f"{counts['Passed']} passed, {counts['Failed']} failed, {counts['NotExecuted']} skipped")
    return 1 if counts["Failed"] or not counts["Passed"] else 0


sys.exit(main())
