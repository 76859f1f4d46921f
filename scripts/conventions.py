#!/usr/bin/env python3
"""Checks conventions that no compiler and no formatter checks. CONTRIBUTING.md explains them, docs/glossary.md has the terms.

    conventions.py [PATH…]  prints every finding, in these folders only if there are any, and exits 1 if there is a finding
    conventions.py figures  prints the figures of each target: files, lines, comment lines, test lines
"""

import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Terms that docs/glossary.md has replaced, and the terms in use now. Upper case matters.
REPLACED = {
    r"told": "reported, emitted",
    r"[Rr]endition": "encoded stream",
    r"PromptPace|prompt pace": "prefill budget",
    r"GenerationShelf|StateShelf|shelved?": "retention store, KV state cache",
    r"OutputSplitter|splitter": "output parser",
    r"memoryCount|sharesMemory": "cachedTokenCount, unified KV",
    r"obeys?|obeyed": "applies a control command",
    r"[Mm]arkup": "delimiter",
    r"[Vv]erdict": "finding, error",
    r"[Ff]rontier": "high-water mark",
    r"[Ii]ntake": "input processor",
    r"[Ww]hoever|[Ww]homever": "a noun",
    r"[Ss]omebody|[Ss]omeone|[Nn]obody|[Aa]nybody|[Aa]nyone|[Ee]verybody|[Ee]veryone": "a noun",
    r"beside the way": "off the critical path",
    r"alone or not": "batch invariance",
}
REPLACED_WORDS = [(re.compile(rf"(?<![\w-])(?:{words})(?![\w-])"), term) for words, term in REPLACED.items()]
# A sentence's subject is a noun. These words begin sentences that have none.
SUBJECTLESS = re.compile(
    r"(?:^|[.:;] )(?:(?:Who|What|Those)\b(?! (?:of|to)\b)(?![^.]*\?)"
    r"|One (?:is|was|has|that|who|which|may|can|must|goes|in|with|for|behind)\b)")
# Verbs that do not name the effect of a function.
VAGUE_VERBS = re.compile(r"\bfunc (?:take|give|keep|tell|obey|ask|attend|announce)(?:[A-Z]\w*)?\b")

# A cut of a text in a message. One character has any number of bytes, and control characters stay; `excerpt(bytes:)` of
# MartletText cuts by bytes. A number of one digit is a cut of an own id.
CUT_TEXT = re.compile(
    r"\\\((?:[^()]|\([^()]*\))*\.prefix\((?:\d{2,}|Self\.\w+)\)"
    r"|\bString\((?:decoding: )?[^()]*\.prefix\((?:\d{2,}|Self\.\w+)\)"
    r"|\bUnicodeScalarView\([^()]*\.prefix\(")

# A time limit that a busy machine reaches. A waiting test may get no thread for as long as tests beside it compute.
TIME_LIMIT = re.compile(r"\.timeLimit\(\.minutes\((\d+)\)\)")
MINIMUM_TIME_LIMIT = 15

# Folders whose types the second folders must not name: an HTTP API depends on shared folders, and those depend on no API.
DIALECTS = "OpenAIChat OpenAICompletions OpenAIResponses AnthropicMessages LlamaServer Realtime".split()
CLOSED_FOLDERS = {
    f"Sources/MartletAPI/{dialect}": [f"Sources/MartletAPI/{other}" for other in DIALECTS if other != dialect]
    + [f"Sources/MartletAPI/{shared}" for shared in
       "Bodies Control Embeddings Encoding Errors Fields Generations WebSocket".split()]
    for dialect in DIALECTS
}

TYPE = re.compile(
    r"^(?:@\w+(?:\([^)]*\))? )*(?:(?:package|public|internal|final|indirect|nonisolated) )*"
    r"(?:struct|class|enum|protocol|actor|typealias) (\w+)")
DECLARATION = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))? )*package "
    r"(?:(?:static|final|indirect|mutating|consuming|borrowing|nonisolated|convenience) )*"
    r"(struct|class|enum|protocol|actor|func)\b\W?(\w*)")
CONFORMANCE = re.compile(r"^(?:@\w+(?:\([^)]*\))? )*extension [\w.]+: ")
BEGINS_TYPE = re.compile(r"^\S")
MINIMUM_COMMENTS = 0.2
MAXIMUM_LINES = 400
MAXIMUM_MEDIAN_LINES = 90
# Lines of tests per line of code in targets whose rules are many and whose integration tests say little.
MINIMUM_TESTS = {"MartletCommands": 0.4, "MartletGenerations": 0.4, "MartletGrammar": 0.4, "MartletSchema": 0.4}


def tracked(*patterns):
    output = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in output.split("\0") if name and (ROOT / name).is_file()]


def name(path):
    return str(path.relative_to(ROOT))


def prose(path, lines):
    """Yields number and text of lines that people read as sentences: comments of code, lines of Markdown outside of code blocks."""
    in_code = False
    for number, line in enumerate(lines, 1):
        if path.suffix == ".md":
            if line.lstrip().startswith("```"):
                in_code = not in_code
            elif not in_code and not line.startswith("    "):
                yield number, re.sub(r"`[^`]*`", "``", line)
        elif path.suffix == ".swift":
            comment = re.match(r"\s*///? ?(.*)", line)
            if comment:
                yield number, re.sub(r"`[^`]*`", "``", comment.group(1))


def words(path, lines):
    for number, line in enumerate(lines, 1):
        text = re.sub(r'"[^"]*"', '""', line) if path.suffix == ".swift" else re.sub(r"`[^`]*`", "``", line)
        for expression, term in REPLACED_WORDS:
            found = expression.search(text)
            if found:
                yield f"{name(path)}:{number}: \"{found.group(0)}\" is replaced by: {term}"
    for number, text in prose(path, lines):
        if SUBJECTLESS.search(text.strip()):
            yield f"{name(path)}:{number}: a sentence whose subject is no noun: {text.strip()[:60]}"


def undocumented(path, lines):
    """Package types and functions need a comment. Requirements of a protocol that an extension names are documented there."""
    conforms = False
    for index, line in enumerate(lines):
        if BEGINS_TYPE.match(line) and not line.startswith(("}", "//", "#", "@")):
            conforms = bool(CONFORMANCE.match(line))
        found = DECLARATION.match(line)
        if not found or conforms or found.group(2) in ("run", "validate", "encode", "hash", "description"):
            continue
        above = index - 1
        while above >= 0 and lines[above].strip().startswith("@"):
            above -= 1
        if not lines[above].strip().startswith("///"):
            yield f"{name(path)}:{index + 1}: no documentation: {line.strip()[:80]}"


def swift_findings(sources):
    types = {}
    for path in sources:
        lines = path.read_text().split("\n")
        for number, line in enumerate(lines, 1):
            if VAGUE_VERBS.search(line):
                yield f"{name(path)}:{number}: a verb that names no effect: {line.strip()[:80]}"
            if CUT_TEXT.search(line):
                yield f"{name(path)}:{number}: a text in a message is cut by excerpt(bytes:): {line.strip()[:80]}"
            declared = TYPE.match(line)
            if declared and not line.startswith(("private", "fileprivate")):
                types.setdefault(declared.group(1), []).append(f"{name(path)}:{number}")
        yield from undocumented(path, lines)
    for declared, places in types.items():
        if len(places) > 1:
            yield f"type {declared} exists twice: {', '.join(places)}"


def test_findings():
    for path in tracked("Tests/*.swift"):
        for number, line in enumerate(path.read_text().split("\n"), 1):
            found = TIME_LIMIT.search(line)
            if found and int(found.group(1)) < MINIMUM_TIME_LIMIT:
                yield f"{name(path)}:{number}: a time limit below {MINIMUM_TIME_LIMIT} minutes depends on the machine"


def folder_findings(sources):
    """A folder of CLOSED_FOLDERS declares no type that one of its closed folders names in code."""
    texts = {name(path): path.read_text().split("\n") for path in sources}
    for folder, closed in CLOSED_FOLDERS.items():
        declared = {found.group(1) for path, lines in texts.items() if path.startswith(folder + "/")
                    for found in map(TYPE.match, lines) if found}
        if not declared:
            yield f"{folder}: no types; scripts/conventions.py names a folder that does not exist"
            continue
        used = re.compile(rf"\b(?:{'|'.join(sorted(declared))})\b")
        for path, lines in texts.items():
            if not path.startswith(tuple(other + "/" for other in closed)):
                continue
            for number, line in enumerate(lines, 1):
                found = used.search(re.sub(r'"[^"]*"|//.*', "", line))
                if found:
                    yield f"{path}:{number}: {found.group(0)} belongs to {folder}, which this folder must not use"


def count(paths):
    comments = code = 0
    sizes = []
    for path in paths:
        lines = [line.strip() for line in path.read_text().split("\n")]
        comments += sum(line.startswith("//") for line in lines)
        code += sum(bool(line) and not line.startswith("//") for line in lines)
        sizes.append(len(lines) - 1)
    return comments, code, sizes


def targets():
    for folder in sorted((ROOT / "Sources").iterdir()):
        paths = [path for path in tracked(f"Sources/{folder.name}/*.swift")]
        if paths:
            yield folder.name, paths


def figures():
    all_sizes = []
    print("| target | files | median lines | lines of code | comment lines per line of code | test lines per line of code |")
    print("| --- | --- | --- | --- | --- | --- |")
    for target, paths in targets():
        comments, code, sizes = count(paths)
        tests = tracked(f"Tests/{target}Tests/*.swift")
        ratio = count(tests)[1] / code if tests else 0
        all_sizes += sizes
        print(f"| {target} | {len(paths)} | {statistics.median(sizes):.0f} | {code} | {comments / code:.2f} | {ratio:.2f} |")
    print(f"\n{len(all_sizes)} files, median {statistics.median(all_sizes):.0f} lines, longest {max(all_sizes)}")


def size_findings():
    """The figures that the code keeps: lines of files, comments and tests per line of code."""
    all_sizes = []
    for target, paths in targets():
        comments, code, sizes = count(paths)
        all_sizes += sizes
        for path, size in zip(paths, sizes):
            if size > MAXIMUM_LINES:
                yield f"{name(path)}: {size} lines; at most {MAXIMUM_LINES} are allowed"
        if comments < MINIMUM_COMMENTS * code:
            yield f"Sources/{target}: {comments} comment lines for {code} lines of code; at least {MINIMUM_COMMENTS} are asked for"
        tests = count(tracked(f"Tests/{target}Tests/*.swift"))[1]
        if tests < MINIMUM_TESTS.get(target, 0) * code:
            yield f"Tests/{target}Tests: {tests} lines of tests for {code} lines of code; at least {MINIMUM_TESTS[target]} are asked for"
    if statistics.median(all_sizes) > MAXIMUM_MEDIAN_LINES:
        yield f"Sources: the median file has {statistics.median(all_sizes):.0f} lines; at most {MAXIMUM_MEDIAN_LINES} are asked for"


def main():
    if sys.argv[1:] == ["figures"]:
        figures()
        return
    sources = tracked("Sources/*.swift")
    findings = [*swift_findings(sources), *test_findings(), *folder_findings(sources)]
    for path in tracked("*.swift", "*.md"):
        if name(path) not in ("docs/glossary.md", "LICENSE"):
            findings += words(path, path.read_text().split("\n"))
    findings += size_findings()
    findings = [finding for finding in findings if not sys.argv[1:] or finding.startswith(tuple(sys.argv[1:]))]
    for finding in findings:
        print(finding, file=sys.stderr)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
