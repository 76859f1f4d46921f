#!/usr/bin/env python3
"""Measures the response times of a real server with many clients.

usage: scripts/load.py [--binary PATH] [--url URL] [--connections N] [--streams N] [--chats N] [--seconds N]

Two loads, one after the other: `--streams` generations among `--connections` open connections, and `--chats` requests
that arrive at once at a server with default flags. During each load the script requests /health, /slots and a stop
repeatedly, and records the longest silence of any stream. With --url it measures a running server, llama-server too
(without stops). Prints one line per figure: median, 99th percentile and maximum in milliseconds.
"""
import argparse
import asyncio
import json
import os
import resource
import statistics
import time
import urllib.parse

from measuring import ROOT, Server


class Address:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port or 80

    async def open(self):
        return await asyncio.open_connection(self.host, self.port, limit=1 << 20)

    def request(self, method, path, body=None, headers=""):
        data = json.dumps(body).encode() if body is not None else b""
        length = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n" if data else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n"
        return head.encode() + data

    async def ask(self, method, path):
        """Sends one request on a connection of its own. Returns its status and its duration in milliseconds."""
        begin = time.perf_counter()
        reader, writer = await self.open()
        writer.write(self.request(method, path, headers="Connection: close\r\n"))
        head = await reader.readline()
        await reader.read()
        writer.close()
        return int(head.split()[1]), (time.perf_counter() - begin) * 1_000


class Stream:
    """A streamed completion: counts its events and pings, and measures its longest silence, from the request on."""

    def __init__(self, address, number, tokens):
        self.address, self.number, self.tokens = address, number, tokens
        self.events = self.pings = 0
        self.silence = 0.0
        self.status = None
        self.head_after = None

    async def run(self, gate=None):
        reader, writer = await self.address.open()
        if gate:
            await gate.wait()
        body = {"prompt": f"{self.number}. Once upon a time", "n_predict": self.tokens, "ignore_eos": True,
                "temperature": 0, "stream": True, "sse_ping_interval": 1}
        begin = last = time.perf_counter()
        writer.write(self.address.request(
            "POST", "/v1/completions", body, f"X-Conversation-Id: load-{self.number}\r\n"))
        try:
            while line := await reader.readline():
                now = time.perf_counter()
                if self.status is None:
                    self.status, self.head_after = int(line.split()[1]), now - begin
                self.silence, last = max(self.silence, now - last), now
                self.events += line.startswith(b"data: {")
                self.pings += line.startswith(b":")
                if line.startswith(b"data: [DONE]"):
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        writer.close()


def report(name, values):
    if not values:
        return print(f"{name:<44} nothing was answered")
    values = sorted(values)
    print(f"{name:<44} median {statistics.median(values):8.2f}   p99 {values[int(len(values) * 0.99)]:8.2f}"
          f"   max {values[-1]:8.2f}   of {len(values)}")


async def poll(address, paths, seconds):
    """Requests the paths alternately for a time. Returns the durations in milliseconds by path."""
    times = {path: [] for path in paths}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for path in paths:
            status, took = await address.ask("GET", path)
            assert status == 200, f"{path} says {status}"
            times[path].append(took)
        await asyncio.sleep(0.01)
    return times


async def many_connections(address, count, stream_count, seconds):
    idle = []
    begin = time.perf_counter()
    for _ in range(count - stream_count):
        idle.append(await address.open())
    print(f"{count - stream_count} connections opened in {time.perf_counter() - begin:.2f} s")
    streams = [Stream(address, number, 1_500) for number in range(stream_count)]
    tasks = [asyncio.create_task(stream.run()) for stream in streams]
    while not all(stream.events for stream in streams[:1]):
        await asyncio.sleep(0.01)
    begin, before = time.perf_counter(), sum(stream.events for stream in streams)
    for path, times in (await poll(address, ["/health", "/slots"], seconds)).items():
        report(f"{count} connections, {stream_count} streams: {path} ms", times)
    events = sum(stream.events for stream in streams) - before
    print(f"{'events of all streams per second':<44} {events / (time.perf_counter() - begin):8.0f}")
    # Every idle connection still serves a request.
    answered = 0
    for reader, writer in idle:
        writer.write(address.request("GET", "/health"))
        answered += b" 200 " in await reader.readline()
        writer.close()
    print(f"{'idle connections that were answered then':<44} {answered} of {len(idle)}")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def chats_at_once(address, count, seconds, stops):
    gate = asyncio.Event()
    streams = [Stream(address, 10_000 + number, 2_000) for number in range(count)]
    tasks = [asyncio.create_task(stream.run(gate)) for stream in streams]
    await asyncio.sleep(1)
    gate.set()
    for path, times in (await poll(address, ["/health", "/slots"], seconds)).items():
        report(f"{count} chats at once: {path} ms", times)
    if stops:
        report(f"{count} chats at once: stop ms", [
            (await address.ask("DELETE", f"/v1/stream?conv_id=load-{stream.number}"))[1] for stream in streams])
    else:
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    report(f"{count} chats at once: headers after ms", [s.head_after * 1_000 for s in streams if s.head_after])
    report(f"{count} chats at once: longest silence ms", [s.silence * 1_000 for s in streams])
    print(f"{'streams that got a ping or an event':<44} {sum(s.events + s.pings > 0 for s in streams)} of {count}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=str(ROOT / ".build/release/martlet"))
    parser.add_argument("--url")
    parser.add_argument("--connections", type=int, default=2_000)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.connections + 1_000
    if limit[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, limit[1]), limit[1]))
    os.environ.pop("MARTLET_API_KEY", None)

    def run(arguments, load):
        server = None if options.url else Server(
            options.binary, "serve", "--port", 0, "--no-journal", *arguments)
        address = Address(options.url or f"http://127.0.0.1:{server.port}")
        try:
            asyncio.run(load(address))
        finally:
            if server:
                server.stop()

    run(["--parallel", str(options.streams)],
        lambda address: many_connections(address, options.connections, options.streams, options.seconds))
    run([], lambda address: chats_at_once(address, options.chats, options.seconds, stops=not options.url))


if __name__ == "__main__":
    main()
