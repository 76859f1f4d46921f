"""Uses `martlet chat` as a person at a terminal does, with a server that says what this script wants.

usage: chat_terminal.py MARTLET
A real model is too quick for a person's orders to come while it writes. Prints "all checks passed".
"""
import json
import os
import pty
import queue
import select
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS = 60
asked, orders, stopped = queue.Queue(), queue.Queue(), queue.Queue()
# What the stream of an answer says next; None = its end.
streams = {"chatcmpl-1": queue.Queue(), "chatcmpl-2": queue.Queue(), "chatcmpl-3": queue.Queue()}


def chunk(**delta):
    return "data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": None}]}) + "\n\n"


def obeyed(action, **more):
    return ": martlet-control " + json.dumps({"applied": True, "action": action, **more}) + "\n\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers = iter(["chatcmpl-1", "chatcmpl-3"])

    def reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, id):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Generation-Id", id)
        self.send_header("Connection", "close")
        self.end_headers()
        while (text := streams[id].get()) is not None:
            self.wfile.write(text.encode())
            self.wfile.flush()
        self.close_connection = True

    def do_GET(self):
        if self.path.endswith("/events"):
            return self.stream(self.path.split("/")[3])
        self.reply({"data": [{"id": "scripted"}], "status": "ok"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/control"):
            orders.put(body)
            return self.reply({"applied": True, "action": body["action"], "ids": ["chatcmpl-2"]})
        assert self.headers["X-Stream-Resume"] == "1"
        asked.put(body)
        self.stream(next(self.answers))

    def do_DELETE(self):
        stopped.put(self.path)
        self.reply({})

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
terminal, other_side = pty.openpty()
environment = {**os.environ, "HOME": "/nonexistent", "TERM": "xterm"}
process = subprocess.Popen(
    [sys.argv[1], "chat", "--url", f"http://127.0.0.1:{server.server_port}"],
    stdin=other_side, stdout=other_side, stderr=other_side, env=environment, start_new_session=True)
os.close(other_side)
seen = ""


def expect(text):
    """Waits until the terminal shows `text` behind what was waited for before."""
    global seen
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], SECONDS)
        assert ready, f"no {text!r} in {seen!r}"
        seen += os.read(terminal, 65_536).decode(errors="replace")
    seen = seen.split(text, 1)[1]


def press(keys):
    os.write(terminal, keys.encode())


def order(keys, expected):
    press(keys)
    given = orders.get(timeout=SECONDS)
    assert given == expected, (keys, given)


say = streams["chatcmpl-1"].put
try:
    expect("> ")
    press("hello\r")
    assert asked.get(timeout=SECONDS)["messages"] == [{"role": "user", "content": "hello"}]
    say(chunk(reasoning_content="hmm"))
    expect("hmm")
    order("\x1b", {"action": "reasoning_end"})
    say(obeyed("reasoning_end") + chunk(content="One two"))
    expect("One two")
    order("/pause\r", {"action": "pause"})
    expect("(paused")
    order("/temp 0.2\r", {"action": "set", "changes": {"temperature": 0.2}})
    expect("(temperature 0.2)")
    order("/resume\r", {"action": "resume"})
    # What comes while a line is written is held back until the line is entered.
    press("/rewind On")
    expect("On")
    say(chunk(content=" three"))
    order("e\r", {"action": "rewind", "to_text": "One"})
    expect(" three")
    # A token may reach beyond what was asked for: then it is gone as a whole.
    say(obeyed("rewind", content_bytes=2) + chunk(content="ly more"))
    expect("(back)")
    expect("Only more")
    order("/say Be brief.\r", {"action": "inject", "role": "user", "content": "Be brief.", "when": "sentence"})
    say(chunk(content=".") + obeyed("inject") + chunk(content="Yes."))
    expect("Be brief.")
    expect("Yes.")
    press("/nonsense\r")
    expect("must wait")
    order("/skip\r", {"action": "reasoning_end"})
    order("/fork\r", {"action": "fork"})
    expect("(forked)")
    say(None)
    expect("(the other version)")
    streams["chatcmpl-2"].put(chunk(content="Otherwise."))
    expect("Otherwise.")
    streams["chatcmpl-2"].put(None)
    expect("> ")
    press("and?\r")
    messages = [(m["role"], m["content"]) for m in asked.get(timeout=SECONDS)["messages"]]
    assert messages == [
        ("user", "hello"), ("assistant", "Only more."), ("user", "Be brief."), ("assistant", "Yes."), ("user", "and?"),
    ], messages
    streams["chatcmpl-3"].put(chunk(content="Well"))
    expect("Well")
    press("\x03")
    assert stopped.get(timeout=SECONDS) == "/v1/generations/chatcmpl-3"
    expect("(stopped)")
    expect("> ")
    press("/quit\r")
    assert process.wait(SECONDS) == 0
    print("all checks passed")
finally:
    process.kill()
