"""Uses `martlet chat` as a person at a terminal does, with a server that says what this script wants.

usage: chat_terminal.py MARTLET
A real model is too quick for a person's commands to come while it writes. Prints "all checks passed".
"""
import fcntl
import json
import os
import pty
import queue
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from terminal_screen import Screen

SECONDS = 60
# No wait of this script is longer than this, that for a stopped process included.
signal.alarm(800)


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
                self.reply({"data": [{"id": "scripted"}, {"id": "second"}], "status": "ok"})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
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


def conversation(columns, state):
    """Commands during a response, at a width."""
    chat = Chat(columns, state)
    say = chat.script.streams[0].put
    try:
        chat.expect("no-history" if columns > 60 else "/help")
        chat.expect_last(">")
        chat.press("hello\r")
        assert chat.asked() == [("user", "hello")] and chat.script.resumable == [True]
        say("data: " + json.dumps({
            "choices": [{"delta": {}}], "load_progress": {"status": "loading", "fraction": 0.6}}) + "\n\n")
        chat.expect_last("loading 60 %", ">")
        say(progress(total=10, processed=0, queue_position=2))
        chat.expect_last("waiting, 2 before you", ">")
        say(progress(total=10, processed=4))
        chat.expect_last("reading the prompt 40 %", ">")
        say(chunk(reasoning_content="hmm"))
        chat.expect("hmm")
        # A stray Enter, an arrow and a typed word do not switch commands off, and the word is visible.
        chat.press("\r\x1b[A\x1b[B typed")
        chat.expect_last(">  typed")
        say(chunk(content="One two"))
        chat.expect_last("One two", ">  typed")
        chat.press("\x15")
        chat.expect_last("One two", ">")
        chat.command("\x1b", {"action": "reasoning_end"})
        chat.command("/pause\r", {"action": "pause"})
        chat.expect_last("paused; /resume continues", ">")
        chat.command("/temp 0.2\r", {"action": "set", "changes": {"temperature": 0.2}})
        chat.expect("(temperature 0.2)")
        chat.command("/resume\r", {"action": "resume"})
        # Output goes on while a line is written.
        chat.press("/rewind On")
        chat.expect_last("> /rewind On")
        say(chunk(content=" three"))
        chat.expect("three")
        chat.command("e\r", {"action": "rewind", "to_text": "One"})
        # A token may reach beyond the requested place: then it is removed as a whole.
        say(applied("rewind", content_bytes=2) + chunk(content="ly more"))
        chat.expect("(back)")
        chat.expect("Only more")
        chat.command("/say Be brief.\r", {
            "action": "inject", "role": "user", "content": "Be brief.", "when": "sentence"})
        say(chunk(content=".") + applied("inject") + chunk(content="Yes."))
        chat.expect("> Be brief.")
        chat.expect("Yes.")
        chat.press("/model x\r")
        chat.expect("/model must wait")
        chat.press("/modle\r")
        chat.expect("/model?")
        chat.command("/fork\r", {"action": "fork"})
        chat.expect("(forked)")
        say(END)
        say(None)
        chat.expect("(version 2)")
        chat.script.streams[1].put(chunk(content="Otherwise."))
        chat.expect("Otherwise.")
        chat.script.streams[1].put(None)
        chat.expect("10 tokens, 10.0 tokens/s, 1.0 s")
        chat.expect("/keep 2")
        # Commands before the first event are retained.
        chat.script.open.clear()
        chat.press("and?\r")
        assert chat.asked() == [
            ("user", "hello"), ("assistant", "Only more."), ("user", "Be brief."), ("assistant", "Yes."),
            ("user", "and?")]
        chat.press("/pause\r")
        chat.expect("commands wait")
        chat.script.open.set()
        assert chat.script.commands.get(timeout=SECONDS) == {"action": "pause"}
        chat.script.streams[2].put(chunk(content="Well"))
        chat.expect("Well")
        chat.press("\x03")
        assert chat.script.stopped.get(timeout=SECONDS) == "/v1/generations/chatcmpl-2"
        chat.expect("(stopped)")
        # A Ctrl-C that comes a moment late does not leave.
        chat.press("\x03")
        chat.expect("/quit leaves")
        chat.leave()
    finally:
        chat.process.kill()


def editing(columns, state):
    """Wide text, pasted text, several lines, completion, stored conversations, Ctrl-Z and a new size."""
    chat = Chat(columns, state)
    try:
        chat.expect("hello")  # The greeting offers the last conversation.
        chat.expect_last(">")
        # The history of the process before.
        chat.press("\x1b[A\x1b[A\x1b[A")
        chat.until(lambda screen: screen.lines[-1] != ">", "a line of the history")
        chat.press("\x15\x12hel")
        chat.expect_last("(search 'hel') hello")
        chat.press("\x1b")
        chat.expect_last(">")
        chat.press("\x1b[200~one\rtwo\x1b[201~\\\rthree\x1b\rfour 世界🎉\r")
        assert chat.asked() == [("user", "one\ntwo\nthree\nfour 世界🎉")]
        say = chat.script.streams[0].put
        words = "日本語の文字と words of several lengths and 🎉🎉 emoji " * 3
        for piece in (words[index:index + 5] for index in range(0, len(words), 5)):
            say(chunk(content=piece))
        say(chunk(content="\n```\n" + "x" * (columns + 7) + "\n```\nend"))
        chat.expect("end")
        assert max(sum(width for width in map(lambda c: 2 if ord(c) > 0x2E80 else 1, line)) for line in
                   chat.screen.lines) <= columns
        assert any("lengths" in line for line in chat.screen.lines), "a word was cut"
        assert "x" * columns + "\n" + "x" * 7 in chat.screen.text
        # What is typed below does not touch the text.
        before = chat.screen.lines[:-2]
        chat.press("typed")
        chat.expect_last("end", "> typed")
        assert chat.screen.lines[: len(before)] == before
        say(END)
        say(None)
        chat.expect("10.0 tokens/s")
        chat.press("\x15/mo\t")
        chat.expect_last("> /model")
        chat.press("se\t\r")
        chat.expect("Model: second")
        chat.press("/set max_tokens 5\r/save notes\r")
        chat.expect("Stored as notes.")
        # Ctrl-Z stops the process, as a shell expects; SIGCONT continues it.
        chat.press("\x1a")
        os.waitid(os.P_PID, chat.process.pid, os.WSTOPPED)
        os.kill(chat.process.pid, signal.SIGCONT)
        chat.press("/new\r")
        chat.expect("A new conversation.")
        chat.press("/load nots\r")
        chat.expect("'notes'?")
        chat.press("/load notes\r")
        # The turns of the conversation are shown again, dimmed and as Markdown was written.
        chat.expect("(conversation notes)\n> one")
        chat.until(lambda screen: screen.text.count("```\nend") == 2, "the end of the loaded conversation")
        assert "\x1b[2m> one" in chat.raw, repr(chat.raw[-2_000:])
        chat.press("next\r")
        request = chat.script.asked.get(timeout=SECONDS)
        assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user"], request
        assert request["max_tokens"] == 5 and request["model"] == "second", request
        for text in (chunk(content="Last."), END, None):
            chat.script.streams[2].put(text)
        # A response without text would return the message to the input line, and Ctrl-D leaves on an empty line only.
        chat.until(lambda screen: screen.text.count("10.0 tokens/s") == 2, "end of the response")
        chat.press("\x04")
        assert chat.process.wait(SECONDS) == 0
    finally:
        chat.process.kill()


def plain(state):
    """NO_COLOR has no styles; a dumb terminal has no sequences at all."""
    chat = Chat(80, state, NO_COLOR="1")
    try:
        chat.expect_last(">")
        chat.press("hi\r")
        chat.asked()
        chat.script.streams[0].put(chunk(reasoning_content="hm", content="**yes**"))
        chat.expect("**yes**")
        assert "\x1b[0m" not in chat.raw and "\x1b[2m" not in chat.raw
        chat.script.streams[0].put(END)
        chat.script.streams[0].put(None)
        chat.expect("(10 tokens")
        chat.expect_last(">")
        chat.press("\x04")
        assert chat.process.wait(SECONDS) == 0
    finally:
        chat.process.kill()
    chat = Chat(80, state, TERM="dumb")
    try:
        chat.expect_last(">")
        chat.press("/nonsense\nhi\n")
        chat.expect("unknown command /nonsense")
        chat.script.streams[0].put(chunk(content="yes"))
        chat.script.streams[0].put(None)
        chat.expect("yes")
        chat.press("/quit\n")
        assert chat.process.wait(SECONDS) == 0
        assert "\x1b" not in chat.raw
    finally:
        chat.process.kill()


def main():
    with tempfile.TemporaryDirectory() as state:
        conversation(40, state)
        editing(40, state)
    with tempfile.TemporaryDirectory() as state:
        conversation(100, state)
        editing(100, state)
        folder = os.path.join(state, "martlet", "chats")
        kept = sorted(os.listdir(folder))
        assert all(os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600 for name in kept)
        assert "notes.json" in kept and len(kept) == 2, kept
        plain(state)
    print("all checks passed")


main()
