"""Shared code of the client tests: the server's address, and checks that end the program.

Each test is one program: `python NAME.py BASE_URL`, with BASE_URL without /v1. It prints one line per check and exits 1 at the first check
that fails. The model is fledgling, whose answers are correct only for a few sums and tools; the checks concern shapes, ids and usage.
"""
import json
import sys
import urllib.request

SUM = "What is 12 + 30?"
WEATHER = "What is the weather in Oslo?"
CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}}, "required": ["city"],
        "additionalProperties": False}
BASE_URL = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8080"
OPENAI_URL = BASE_URL + "/v1"


def check(name, condition, detail=""):
    """Prints `name`; ends the program if the condition does not hold."""
    if not condition:
        print(f"FAILED {name}: {detail}")
        sys.exit(1)
    print(f"ok {name}")


def refused(name, kind, call):
    """Checks that the call raises an error of that kind, and returns the error."""
    try:
        call()
    except kind as error:
        check(name, True)
        return error
    check(name, False, "no error")


def get(path):
    """The JSON of a path of the server."""
    with urllib.request.urlopen(BASE_URL + path) as response:
        return json.load(response)


def model_name():
    """The name of the server's first model."""
    return get("/v1/models")["data"][0]["id"]


def finish():
    """Prints the line that ends a passed program."""
    print("all checks passed")
