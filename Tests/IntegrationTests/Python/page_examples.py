"""Runs the examples of the documentation as written, and compares their output.

usage: page_examples.py REPOSITORY MARTLET BASE_URL

A block of `console` has commands behind `$ ` and their output. Each block runs in a shell whose `martlet` is the program under
test, in an empty folder, with the address of the server instead of the documented one. A block of `python` must print the text in
backticks that follows it. `…` in an output stands for any text. Prints
"all examples passed".
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

repository, martlet, base_url = sys.argv[1:]
# The pages with the number of blocks, from the first on, that need nothing but a server with the demo model.
PAGES = {
    # Requires that no request runs.
    "docs/models.md": [0],
    "README.md": [2, 3, 4], "docs/control.md": [0], "docs/errors.md": [0, 1, 2], "docs/json-schema.md": [0],
    "docs/compatibility.md": [0], "docs/threat-model.md": [0], "docs/speculation.md": [0], "docs/promises.md": [0],
    "docs/clients.md": [0], "docs/cache.md": [0], "docs/page.md": [0], "docs/flags.md": [0], "docs/templates.md": [0],
    "docs/hardware.md": [0],
}
# The pages with the numbers of blocks of `python`.
PROGRAMS = {"README.md": [0]}
# A build of some targets only has no simulation.
simulation = pathlib.Path(martlet).with_name("martlet-simulate")
if simulation.exists():
    PAGES["docs/simulation.md"] = [0]
ADDRESS = base_url.removeprefix("http://")


def commands(block):
    """The commands of a block, each with its output."""
    result = []
    for line in block.splitlines():
        if result and is_open(result[-1][0]):
            result[-1][0] += "\n" + line
        elif line.startswith("$ "):
            result.append([line[2:], []])
        else:
            result[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in result]


def is_open(command):
    """Whether the next line belongs to the command."""
    if command.endswith(("\\", "|")):
        return True
    try:
        shlex.split(command, comments=True)
        return False
    except ValueError:
        return True


def run(found, folder):
    """Runs commands in one shell; returns the output of each, errors included."""
    mark = "-- end of a command --"
    # The next command sees the status of its predecessor.
    script = "".join(f"{{ {command}\n}} 2>&1\nstatus=$?; echo '{mark}'; (exit $status)\n" for command, _ in found)
    script = script.replace("localhost:8080", ADDRESS).replace("127.0.0.1:8080", ADDRESS)
    environment = {**os.environ, "HOME": folder, "URL": base_url, "PATH": f"{folder}:{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=840)
    outputs = result.stdout.split(mark + "\n")[:-1]
    assert len(outputs) == len(found), f"{result.stdout}{result.stderr}"
    return [output.replace(ADDRESS, "127.0.0.1:8080") for output in outputs]


failures = 0
for page, numbers in PAGES.items():
    blocks = re.findall(r"^```console\n(.*?)^```$", pathlib.Path(repository, page).read_text(), flags=re.M | re.S)
    for number in numbers:
        if number >= len(blocks):
            print(f"{page}: there is no block {number}")
            failures += 1
            continue
        found = commands(blocks[number])
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(martlet, os.path.join(folder, "martlet"))
            os.symlink(simulation, os.path.join(folder, "martlet-simulate"))
            for (command, expected), output in zip(found, run(found, folder)):
                pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
                if not re.fullmatch(pattern, output.strip("\n"), flags=re.S):
                    print(f"{page}: {command}\nexpected:\n{expected}\nwas:\n{output}")
                    failures += 1
for page, numbers in PROGRAMS.items():
    blocks = re.findall(
        r"^```python\n(.*?)^```\n\n[^`]*`([^`]*)`", pathlib.Path(repository, page).read_text(), flags=re.M | re.S)
    for number in numbers:
        program, expected = blocks[number]
        result = subprocess.run(
            [sys.executable, "-c", program.replace("127.0.0.1:8080", ADDRESS)], capture_output=True, text=True, timeout=840)
        if result.returncode != 0 or expected not in result.stdout:
            print(f"{page}: program {number}: {result.stdout}{result.stderr}")
            failures += 1
print("all examples passed" if failures == 0 else f"{failures} differ")
