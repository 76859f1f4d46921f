"""A scripted server, and `martlet chat` in a pseudo-terminal that talks to it. For chat_terminal.py.

A real model is too quick for a person's commands to come while it writes.
"""
import fcntl
import json
import os
import pty
import queue
import select
import struct
import subprocess
import sys
import termios
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from terminal_screen import Screen

SECONDS = 60


def chunk(**delta):
    return "data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": None}]}) + "\n\n"


def progress(**values):
    return "data: " + json.dumps({"choices": [{"delta": {}}], "prompt_progress": values}) + "\n\n"


def applied(action, **more):
    return ": martlet-control " + json.dumps({"applied": True, "action": action, **more}) + "\n\n"


END = "data: " + json.dumps({
    "choices": [{"delta": {}, "finish_reason": "stop"}],
    "timings": {"prompt_ms": 100, "predicted_ms": 900, "predicted_n": 10, "predicted_per_second": 10}}) + "\n\n"


class Scripted:
    """A server whose streams say what the script puts into their queues; None = the end."""

    def __init__(self):
        self.asked, self.commands, self.stopped = queue.Queue(), queue.Queue(), queue.Queue()
        self.streams = [queue.Queue() for _ in range(9)]
        # Whether each request was for a resumable generation.
        self.resumable = []
        # The state of the model "second" in the list of models.
        self.second = {"phase": "ready"}
        # The response head waits for this event, so that commands can come before the first event.
        self.open = threading.Event()
        self.open.set()
        self.next = iter([0, 2, 3, 4, 5, 6, 7, 8])
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, value):
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, number):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("X-Generation-Id", f"chatcmpl-{number}")
                self.send_header("Connection", "close")
                self.end_headers()
                while (text := script.streams[number].get()) is not None:
                    self.wfile.write(text.encode())
                    self.wfile.flush()
                self.close_connection = True

            def do_GET(self):
                if self.path.endswith("/events"):
                    return self.stream(int(self.path.split("/")[3].split("-")[1]))
                self.reply({"data": [{"id": "scripted"}, {"id": "second", "status": script.second}], "status": "ok"})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.endswith("/models/load"):
                    return self.reply({"success": True})
                if self.path.endswith("/control"):
                    script.commands.put(body)
                    return self.reply({"applied": True, "action": body["action"], "ids": ["chatcmpl-1"]})
                script.resumable.append(self.headers["X-Stream-Resume"] == "1")
                script.asked.put(body)
                number = next(script.next)
                script.open.wait(SECONDS)
                self.stream(number)

            def do_DELETE(self):
                script.stopped.put(self.path)
                self.reply({})

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A connection that the chat closes is no error of the server.
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Chat:
    """`martlet chat` in a terminal of a certain width."""

    def __init__(self, columns, state, **variables):
        self.script, self.screen, self.raw = Scripted(), Screen(columns), ""
        self.terminal, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        # The styles of a terminal, whatever the tests run in.
        inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        environment = {**inherited, "TERM": "xterm", "XDG_STATE_HOME": state, **variables}
        self.process = subprocess.Popen(
            [sys.argv[1], "chat", "--url", f"127.0.0.1:{self.script.server.server_port}/v1"],
            stdin=other, stdout=other, stderr=other, env=environment, process_group=0)
        os.close(other)

    def read(self):
        ready, _, _ = select.select([self.terminal], [], [], SECONDS)
        assert ready, f"nothing new behind\n{self.screen.text}"
        text = os.read(self.terminal, 65_536).decode(errors="replace")
        self.raw += text
        self.screen.feed(text)

    def until(self, condition, what):
        while not condition(self.screen):
            ready, _, _ = select.select([self.terminal], [], [], SECONDS)
            assert ready, f"no {what} on\n{self.screen.text}"
            self.read()

    def expect(self, text):
        self.until(lambda screen: text in screen.text, repr(text))

    def expect_words(self, words, count=1):
        """Waits until these words are on the screen so many times, wherever a line ends."""
        self.until(lambda screen: " ".join(screen.text.split()).count(words) == count, repr(words))

    def expect_last(self, *lines):
        """Waits until the last rows are these."""
        self.until(lambda screen: screen.lines[-len(lines):] == list(lines), f"last rows {lines}")

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def command(self, keys, expected):
        self.press(keys)
        given = self.script.commands.get(timeout=SECONDS)
        assert given == expected, (keys, given)

    def asked(self):
        messages = self.script.asked.get(timeout=SECONDS)["messages"]
        return [(message["role"], message["content"]) for message in messages]

    def leave(self):
        self.press("/quit\r")
        assert self.process.wait(SECONDS) == 0
