"""aider, end to end: one request in a tiny git repository, over Chat Completions, with a limit of time.

The model cannot write a change by itself, so a grammar constrains its answer to one edit in aider's form. The test proves that aider finds the
model, sends its files, reads the streamed answer, applies the edit and commits it, and that it counts the tokens.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from checking import OPENAI_URL, check, finish, model_name

BROKEN, FIXED = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
EDIT = "sum.py\n```python\n<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n```\n"
PROGRAM = pathlib.Path(sys.executable).with_name("aider")


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True,
                          capture_output=True, text=True).stdout


def aider(folder, *arguments):
    """Runs aider in the folder, and returns its output."""
    environment = {**os.environ, "OPENAI_API_BASE": OPENAI_URL, "OPENAI_API_KEY": "none", "HOME": folder,
                   "AIDER_ANALYTICS": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "TERM": "dumb"}
    result = subprocess.run(
        [PROGRAM, "--model", f"openai/{model_name()}", "--yes-always", "--no-check-update", "--no-show-release-notes",
         "--no-show-model-warnings", "--no-analytics", "--no-pretty", "--no-fancy-input", "--map-tokens", "0",
         "--no-auto-lint", "--no-gitignore", "--no-detect-urls", "--timeout", "120", *arguments],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    return result.returncode, result.stdout + result.stderr


with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "sum.py").write_text(BROKEN)
    # A fresh list of prices, so that aider asks nothing of the network.
    prices = pathlib.Path(folder, ".aider", "caches", "model_prices_and_context_window.json")
    prices.parent.mkdir(parents=True)
    prices.write_text('{"none": {}}')
    git(folder, "init", "-q")
    git(folder, "add", "sum.py")
    git(folder, "commit", "-q", "-m", "Begin")
    for stream in ("--stream", "--no-stream"):
        status, output = aider(folder, stream, "--edit-format", "ask", "--message", "Hello", "sum.py")
        check(f"aider answers ({stream})", status == 0 and "Tokens:" in output, output)
        check(f"without an error of the API ({stream})", "litellm." not in output and "APIError" not in output, output)
    settings = pathlib.Path(folder, ".aider.model.settings.yml")
    settings.write_text(json.dumps([{"name": f"openai/{model_name()}", "extra_params": {
        "max_tokens": 200, "extra_body": {"grammar": "root ::= " + json.dumps(EDIT), "chat_template_kwargs": {
            "enable_thinking": False}}}}]))
    status, output = aider(folder, "--stream", "--edit-format", "diff", "--message", "Repair add.", "sum.py")
    check("aider reads an edit", status == 0 and "Applied edit to sum.py" in output, output)
    check("the file has it", pathlib.Path(folder, "sum.py").read_text() == FIXED, output)
    check("and a commit", len(git(folder, "log", "--format=%h").split()) == 2 and not git(
        folder, "diff", "--", "sum.py"), git(folder, "log"))
finish()
