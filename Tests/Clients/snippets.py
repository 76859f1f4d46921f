"""Runs the snippets of docs/clients.md against a server.

usage: snippets.py BASE_URL [SECTION…]

The Python blocks of a section run as one program, with the address of the server instead of the documented one. A section whose library is not
installed is skipped by name, unless the section was asked for. Blocks of JSON, TOML and YAML must be well-formed. Prints one line per block.
"""
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tomllib

from checking import BASE_URL, check, finish

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/clients.md"


def sections():
    """The title of each section, with the language and the text of each of its blocks."""
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        yield title, re.findall(r"^```(\w+)\n(.*?)^```$", body, flags=re.M | re.S)


def missing(program):
    """The modules that the program imports and that are not installed."""
    names = re.findall(r"^(?:import|from) (\w+)", program, flags=re.M)
    return [name for name in names if importlib.util.find_spec(name) is None]


def run(title, program, is_wanted):
    """Runs a program; it must end without an error and print something."""
    absent = missing(program)
    if absent and not is_wanted:
        print(f"skipped {title}: no {', '.join(absent)}")
        return
    check(f"{title}: the address is documented", "http://127.0.0.1:8080" in program, program)
    result = subprocess.run([sys.executable, "-c", program.replace("http://127.0.0.1:8080", BASE_URL)],
                            capture_output=True, text=True, timeout=300)
    check(f"{title}: the snippet runs", result.returncode == 0 and result.stdout.strip(), result.stdout + result.stderr)


wanted = sys.argv[2:]
found = dict(sections())
check("the wanted sections exist", set(wanted) <= set(found), (wanted, list(found)))
for title, blocks in found.items():
    if wanted and title not in wanted:
        continue
    program = "".join(text for language, text in blocks if language == "python")
    if program:
        run(title, program, title in wanted)
    for language, text in blocks:
        if language == "toml":
            check(f"{title}: a file of TOML", tomllib.loads(text))
        elif language == "json":
            check(f"{title}: a file of JSON", json.loads(text))
        elif language == "sh":
            check(f"{title}: a command", subprocess.run(["sh", "-n", "-c", text]).returncode == 0, text)
finish()
