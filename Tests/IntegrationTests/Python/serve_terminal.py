"""Runs `martlet serve` at a terminal and on a pipe, and checks the live row of a model that loads.

usage: serve_terminal.py MARTLET FOLDER_OF_MODELS
Prints "all checks passed".
"""
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import urllib.request

from terminal_screen import Screen

# No wait of this script is longer than this.
signal.alarm(600)
MARTLET, FOLDER = sys.argv[1:3]
COMMON = ["--port", "0", "--no-journal", "-c", "512", "-np", "1"]


def address(text):
    """The server's address in its welcome; None while it is incomplete."""
    for line in text.splitlines():
        if line.strip().startswith("http://127.0.0.1:") and line.strip().endswith("/v1"):
            return line.strip()
    return None


def wait_until_ready(url, name):
    """Loads the model by a request, which is answered when it is ready."""
    body = json.dumps({"model": name, "prompt": "1 + 1 =", "max_tokens": 1}).encode()
    request = urllib.request.Request(url + "/completions", body, {"Content-Type": "application/json"})
    while True:
        try:
            return urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            assert error.code == 503, error.read()


def at_terminal(arguments, name, **variables):
    """The raw output of a server at a terminal until the model is ready and the server has ended."""
    child, descriptor = pty.fork()
    if child == 0:
        environment = os.environ | {"TERM": "xterm-256color", "NO_COLOR": ""} | variables
        os.execve(MARTLET, [MARTLET, "serve", *COMMON, *arguments], environment)
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    output, isAsked = "", False
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            break
        if not data:
            break
        output += data.decode()
        if (url := address(output)) and not isAsked:
            isAsked = True
            wait_until_ready(url, name)
            os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, output
    return output


def screen(output):
    result = Screen(100)
    result.feed(output)
    return result.text


# A server with one model.
output = at_terminal(["-m", f"{FOLDER}/tiny.gguf"], "tiny")
assert "%  loading tiny" in output, output
assert "%  loading" not in screen(output), screen(output)
assert address(screen(output)), screen(output)

# A server of several models, without colours: the row needs the cursor only.
output = at_terminal(["--models-dir", FOLDER], "tiny", NO_COLOR="1")
assert "%  loading tiny" in output, output
assert "%  loading" not in screen(output), screen(output)

# A terminal without a cursor has lines only.
output = at_terminal(["-m", f"{FOLDER}/tiny.gguf"], "tiny", TERM="dumb")
assert "%  loading" not in output and "\x1b" not in output.replace("\x1b[35m", "").replace("\x1b[0m", ""), output

# The error of a start stands alone.
child = subprocess.run(
    [MARTLET, "serve", *COMMON, "-m", f"{FOLDER}/tiny.gguf", "--host", "192.0.2.1"], stderr=subprocess.PIPE, text=True)
assert child.returncode == 1 and child.stderr.startswith("martlet: ") and child.stderr.count("\n") == 1, child.stderr

# A pipe has lines only.
child = subprocess.Popen(
    [MARTLET, "serve", *COMMON, "-m", f"{FOLDER}/tiny.gguf"], stderr=subprocess.PIPE, text=True)
text = ""
while not address(text):
    text += child.stderr.readline()
wait_until_ready(address(text), "tiny")
child.send_signal(signal.SIGTERM)
text += child.stderr.read()
assert child.wait() == 0 and "%  loading" not in text and "\x1b" not in text, text
print("all checks passed")
