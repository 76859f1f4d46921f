"""Kills the worker, then the server, while a response runs over a WebSocket, and reads every event of it.

usage: responses_socket_deaths.py MARTLET FOLDER
Prints "all checks passed". No check depends on the moment of a death: a response that ended before is read as well.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import websockets.exceptions
import websockets.sync.client

signal.alarm(600)
MARTLET, FOLDER = sys.argv[1:3]
BODY = {
    "type": "response.create", "model": "gpt-any", "temperature": 0, "ignore_eos": True, "max_output_tokens": 300,
    "input": "Tell me a long story.",
}


class Server:
    """A server whose state folder outlives it."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [MARTLET, "serve", "--port", "0", "--state-dir", FOLDER], stderr=subprocess.PIPE, text=True)
        self.url = ""
        while not self.url:
            line = self.process.stderr.readline()
            assert line, "the server has ended"
            if line.strip().startswith("http://127.0.0.1:") and line.strip().endswith("/v1"):
                self.url = line.strip().removesuffix("/v1")
        # The log is read to its end, so that the server never waits for a full pipe.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def worker(self):
        """The process id of the worker."""
        lines = subprocess.run(["ps", "-A", "-o", "ppid=,pid="], capture_output=True, text=True).stdout.splitlines()
        pairs = [line.split() for line in lines]
        return next(int(child) for parent, child in pairs if int(parent) == self.process.pid)

    def connect(self):
        return websockets.sync.client.connect(
            self.url.replace("http", "ws", 1) + "/v1/responses", max_size=None,
            additional_headers={"X-Stream-Resume": "1"})

    def read(self, identifier, after):
        """The events behind a number, over HTTP. A server that still reads its journals answers 503, as to any client."""
        events = []
        url = f"{self.url}/v1/responses/{identifier}?stream=true&starting_after={after}"
        while True:
            try:
                with urllib.request.urlopen(url) as reply:
                    for line in reply:
                        if line.startswith(b"data: "):
                            events.append(json.loads(line[6:]))
                return events
            except urllib.error.HTTPError as error:
                assert error.code == 503, error.read()
                time.sleep(0.1)


def is_end(event):
    return event.get("response", {}).get("status") in ("completed", "incomplete", "failed", "cancelled")


def follow(socket, events, limit=None):
    """Appends events until the response ends, there are so many, or the connection breaks."""
    try:
        while not (events and is_end(events[-1])) and (limit is None or len(events) < limit):
            events.append(json.loads(socket.recv()))
    except websockets.exceptions.ConnectionClosed:
        pass
    return events


def text(events):
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def check(events, expected):
    assert [event["sequence_number"] for event in events] == list(range(len(events))), events
    assert is_end(events[-1]) and events[-1]["response"]["status"] == "incomplete", events[-1]
    assert text(events) == expected, (text(events), expected)


with Server() as server:
    with server.connect() as socket:
        socket.send(json.dumps(BODY))
        expected = text(follow(socket, []))
        assert expected

    # The worker dies: the WebSocket stays open, and the response continues behind its last token.
    with server.connect() as socket:
        socket.send(json.dumps(BODY))
        events = follow(socket, [], limit=12)
        os.kill(server.worker(), signal.SIGKILL)
        check(follow(socket, events), expected)

    # The server dies: the next one continues the response, and the client reads on behind its last event.
    with server.connect() as socket:
        socket.send(json.dumps(BODY))
        events = follow(socket, [], limit=12)
        server.process.kill()
        follow(socket, events)
identifier = events[0]["response"]["id"]
with Server() as server:
    if not is_end(events[-1]):
        events += server.read(identifier, events[-1]["sequence_number"])
    check(events, expected)
    # A client that never had a connection reads the same events.
    again = server.read(identifier, 0)
    assert again == events[1:], (again[:3], events[1:4])

    # A turn over a new WebSocket continues the response.
    with server.connect() as socket:
        socket.send(json.dumps({**BODY, "input": "And then?", "max_output_tokens": 8, "previous_response_id": identifier}))
        turn = follow(socket, [])
        assert is_end(turn[-1]) and turn[-1]["response"]["previous_response_id"] == identifier, turn[-1]
print("all checks passed")
