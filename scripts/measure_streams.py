#!/usr/bin/env python3
"""Measures the costs of readers, replays, journals and control commands.

usage: scripts/measure_streams.py [readers] [sockets] [replay] [journal] [recovery] [controls] [--readers N] [--interval MS]
                                  [--tokens N]

Readers and replays are measured on `martlet-rig` (an edge with a fake engine; build it with
`swift build -c release --product martlet-rig`), so that no model uses the processor; journals, recovery and control commands are
measured on the real program with fledgling. Prints one line per figure. Needs Linux (/proc).
"""
import argparse
import http.client
import json
import os
import pathlib
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from measuring import ROOT, Server, cpu_seconds, report, resident_bytes

HEADERS = {"Content-Type": "application/json", "X-Stream-Resume": "1"}


def complete(server, **fields):
    """Runs one completion. Returns the response's body."""
    status, text = server.request("POST", "/v1/completions", json.dumps({"prompt": "Once", **fields}), HEADERS)
    assert status in (200, 202), text
    return text


def connections(port, count, request):
    """Opens connections and sends a request on each."""
    for index in range(count):
        # Several client addresses, because one address has too few ports for so many connections.
        connection = socket.socket()
        connection.bind((f"127.0.0.{1 + index % 4}", 0))
        connection.connect(("127.0.0.1", port))
        connection.sendall(request)
        yield connection


def readers(options):
    """Measures many open readers of one stream: the memory of each, the cost of a line to each, and /health meanwhile."""
    rig = options.binaries / "martlet-rig"
    with Server(rig, "--interval", options.interval, "--tokens", 1_000_000, "--connections", options.readers + 64) as server:
        generation = json.loads(complete(server, background=True, stream=False))["id"]
        before = resident_bytes(server.pid)
        target = (f"GET /v1/generations/{generation}/events?starting_after=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").encode()
        selector = selectors.DefaultSelector()
        sockets = []
        received = [0]
        isDone = threading.Event()

        def drain():
            while not isDone.is_set():
                for key, _ in selector.select(timeout=0.1):
                    try:
                        received[0] += len(key.fileobj.recv(65536))
                    except BlockingIOError:
                        pass

        for connection in connections(server.port, options.readers, target):
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
            sockets.append(connection)
        thread = threading.Thread(target=drain)
        thread.start()
        time.sleep(5)
        held = resident_bytes(server.pid) - before
        report(f"memory of each of {options.readers} readers", [held / options.readers / 1024], "KiB (aim 16)")
        cpu, bytes_before, start = cpu_seconds(server.pid), received[0], time.perf_counter()
        # In a process of its own, because this process is busy with reading.
        prober = subprocess.run(
            [sys.executable, __file__, "--probe", str(server.port)], capture_output=True, text=True, check=True)
        delays = json.loads(prober.stdout)
        seconds = time.perf_counter() - start
        cpu, count = cpu_seconds(server.pid) - cpu, received[0] - bytes_before
        isDone.set()
        thread.join()
        report("/health meanwhile, p99", [sorted(delays)[len(delays) * 99 // 100]], "ms (aim 20)")
        report("/health meanwhile, median", [statistics.median(delays)], "ms")
        report("sent to them together", [count / seconds / 1e6], "MB/s")
        report("processor of the edge meanwhile", [cpu / seconds], "cores")
        for connection in sockets:
            connection.close()


def idle_sockets(options):
    """Measures many idle WebSockets."""
    request = ("GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode()
    with Server(options.binaries / "martlet-rig", "--connections", options.sockets + 64) as server:
        before = resident_bytes(server.pid)
        opened = []
        for connection in connections(server.port, options.sockets, request):
            assert b" 101 " in connection.recv(4096)
            opened.append(connection)
        time.sleep(1)
        held = resident_bytes(server.pid) - before
        report(f"memory of each of {options.sockets} idle WebSockets", [held / options.sockets / 1024], "KiB (aim 16)")
        for connection in opened:
            connection.close()


def probe(port):
    """Returns the durations of /health in ms, over 15 seconds."""
    delays, start = [], time.perf_counter()
    while time.perf_counter() - start < 15:
        begin = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
        delays.append((time.perf_counter() - begin) * 1000)
        time.sleep(0.02)
    print(json.dumps(delays))


def replay(options):
    """Measures the replay of a long log from its first event: its speed, and the time to its first byte."""
    with Server(options.binaries / "martlet-rig", "--tokens", options.tokens) as server:
        generation = json.loads(complete(server, background=True, stream=False))["id"]
        while json.loads(server.request("GET", f"/v1/generations/{generation}")[1])["state"] != "finished":
            time.sleep(0.05)
        request = f"GET /v1/generations/{generation}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        rates, firsts = [], []
        for _ in range(5):
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            count, buffer, start, first = 0, bytearray(1 << 20), time.perf_counter(), None
            connection.sendall(request.encode())
            while size := connection.recv_into(buffer):
                first = first or time.perf_counter() - start
                count += size
            rates.append(count / (time.perf_counter() - start) / 1e6)
            firsts.append(first * 1000)
            connection.close()
        report(f"replay of {options.tokens} events", rates, "MB/s (aim 200)")
        report("its first byte", firsts, "ms (aim 2)")


def generate(server, tokens, index):
    complete(server, prompt=f"Story {index}", max_tokens=tokens, ignore_eos=True, temperature=0, stream=True)


def speed(options, *flags):
    with Server(options.binaries / "martlet", "serve", "--port", 0, "--parallel", 16, "--access-log", "off", *flags) as server:
        generate(server, 20, 99)
        cpu, start = cpu_seconds(server.pid), time.perf_counter()
        threads = [threading.Thread(target=generate, args=(server, 800, index)) for index in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 16 * 800 / (time.perf_counter() - start), (cpu_seconds(server.pid) - cpu) / 16 / 800 * 1e6


def journal(options):
    """Measures 16 resumable streams, alternately with and without a journal."""
    ratios, costs = [], []
    for turn in range(options.runs):
        results = {}
        for name in ("journal", "none") if turn % 2 == 0 else ("none", "journal"):
            folder = tempfile.mkdtemp()
            results[name] = speed(options, *(["--state-dir", folder] if name == "journal" else ["--no-journal"]))
            shutil.rmtree(folder)
        ratios.append(results["journal"][0] / results["none"][0])
        costs.append(results["journal"][1] - results["none"][1])
    report("tokens/s with a journal as a share of without, 16 streams", ratios, "(aim 0.97)")
    report("processor of the edge for it, each token", costs, "us")


def recovery(options):
    """Measures the start of a server with 1,000 journals."""
    folder = tempfile.mkdtemp()
    flags = ["serve", "--port", 0, "--parallel", 16, "--access-log", "off", "--state-dir", folder]
    with Server(options.binaries / "martlet", *flags) as server:
        threads = [
            threading.Thread(target=lambda k=k: [generate(server, 40, i) for i in range(k, 1_000, 8)]) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    count = len(list(pathlib.Path(folder, "streams").iterdir()))
    seconds = []
    for _ in range(options.runs):
        with Server(options.binaries / "martlet", *flags) as server:
            seconds.append(server.listening_seconds)
    shutil.rmtree(folder)
    report(f"start until it listens, with {count} journals", seconds, "s (aim 2)")


class Quiet(threading.Thread):
    """A stream without control commands; records the arrival times of its tokens."""

    def __init__(self, server, index, tokens):
        super().__init__()
        self.server, self.index, self.tokens, self.times = server, index, tokens, []

    def run(self):
        body = json.dumps({"prompt": f"Story {self.index}", "max_tokens": self.tokens, "ignore_eos": True,
                           "temperature": 0, "stream": True, "cache_prompt": False})
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
        for line in connection.getresponse():
            if line.startswith(b"data: {"):
                self.times.append(time.perf_counter())
        connection.close()


# Every control command except `stop`, which ends the stream, in a sequence in which each can take effect.
COMMANDS = [
    ("reasoning_end", {}), ("status", {}), ("pause", {}), ("resume", {}), ("set", {"changes": {"temperature": 0.9}}),
    ("inject", {"content": " and", "when": "now"}), ("rewind", {"to_token": 8}), ("fork", {"n": 1, "changes": {"max_tokens": 12}}),
]


def controlled(server, tokens, sends_commands, applied, done):
    """A stream that receives every control command in turn, repeatedly, if `sends_commands`."""
    body = {"messages": [{"role": "user", "content": "Think for a long time about rivers."}], "max_tokens": tokens,
            "ignore_eos": True, "background": True}
    while not done.is_set():
        id = json.loads(server.request("POST", "/v1/chat/completions", json.dumps(body), HEADERS)[1])["id"]
        while json.loads(server.request("GET", f"/v1/generations/{id}")[1])["tokens"] < 16:
            time.sleep(0.001)
        while sends_commands and not done.is_set():
            statuses = []
            for action, fields in COMMANDS:
                status, _ = server.request(
                    "POST", f"/v1/generations/{id}/control", json.dumps({"action": action, **fields}), HEADERS)
                statuses.append(status)
                if status == 200:
                    applied[action] = applied.get(action, 0) + 1
                # The rate of a person and a program together.
                done.wait(0.02)
            # The generation has ended, or its context is full.
            if statuses.count(200) < 4:
                break
        if not sends_commands:
            done.wait(60)
        server.request("DELETE", f"/v1/generations/{id}")


def gaps(server, tokens, sends_commands, applied):
    """Returns the 99th percentile and the median of the time between two tokens of 15 streams, in ms."""
    done = threading.Event()
    commands = threading.Thread(target=controlled, args=(server, 100_000, sends_commands, applied, done))
    commands.start()
    streams = [Quiet(server, index, tokens) for index in range(15)]
    for stream in streams:
        stream.start()
    for stream in streams:
        stream.join()
    done.set()
    commands.join()
    # The interval in which all streams produced tokens.
    begin, end = max(s.times[0] for s in streams), min(s.times[-1] for s in streams)
    waits = sorted(
        (after - before) * 1_000 for s in streams for before, after in zip(s.times, s.times[1:])
        if begin <= before and after <= end)
    assert len(waits) > 1_000, "the streams hardly overlapped"
    return waits[len(waits) * 99 // 100], statistics.median(waits)


def controls(options):
    """Measures 15 streams next to a stream with control commands, which should not slow them."""
    # One sequence more, for forks.
    flags = ["serve", "--port", 0, "--parallel", 17, "--access-log", "off", "--no-journal", "--ctx-size", 4096]
    ratios, middles, plain, applied = [], [], [], {}
    with Server(options.binaries / "martlet", *flags) as server:
        gaps(server, 200, False, {})
        for turn in range(options.runs):
            results = {}
            for sends_commands in (False, True) if turn % 2 == 0 else (True, False):
                results[sends_commands] = gaps(server, options.stream_tokens, sends_commands, applied)
            ratios.append(results[True][0] / results[False][0])
            middles.append(results[True][1] / results[False][1])
            plain.append(results[False][0])
    missing = [action for action, _ in COMMANDS if not applied.get(action)]
    assert not missing, f"never applied: {missing}"
    report("inter-token p99 of 15 streams without commands", plain, "ms")
    report("the same next to a stream with commands, as a ratio", ratios, "(aim 1.05)")
    report("its median, as a ratio", middles, "")
    print("commands applied:", ", ".join(f"{count} {action}" for action, count in applied.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["readers", "sockets", "replay", "journal", "recovery", "controls", []])
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--interval", type=int, default=500, help="ms between two tokens for the readers")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="events of the log that is replayed")
    parser.add_argument("--stream-tokens", type=int, default=1_500, help="of each stream beside the one with orders")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--probe", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        return probe(options.probe)
    measurements = {"readers": readers, "sockets": idle_sockets, "replay": replay, "journal": journal, "recovery": recovery,
                    "controls": controls}
    for what in options.what or measurements:
        measurements[what](options)


if __name__ == "__main__":
    main()
