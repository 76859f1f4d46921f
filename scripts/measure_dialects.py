#!/usr/bin/env python3
"""Measures the dialects: tokens/s against chat, chains of stored responses, and a store with many responses.

usage: scripts/measure_dialects.py [speed] [chain] [store] [conversations] [--binaries FOLDER] [--runs N] [--streams N] [--tokens N] [--turns N] [--responses N]

`speed` runs the same conversations in each dialect, alternately; the reasoning of the demo model is off, so that all have the same tokens. Prints one
line per figure. Needs Linux (/proc).
"""
import argparse
import hashlib
import http.client
import json
import pathlib
import shutil
import statistics
import tempfile
import threading
import time

from measuring import ROOT, Server, cpu_seconds, report, resident_bytes

HEADERS = {"Content-Type": "application/json"}


def question(index):
    return f"Tell me story number {index}, which is long."


# The body of each dialect for the same conversation.
DIALECTS = {
    "chat": ("/v1/chat/completions", lambda text, count: {
        "messages": [{"role": "user", "content": text}], "max_tokens": count,
        "chat_template_kwargs": {"enable_thinking": False}}),
    "responses": ("/v1/responses", lambda text, count: {
        "input": text, "max_output_tokens": count, "reasoning": {"effort": "none"}, "store": False}),
    "messages": ("/v1/messages", lambda text, count: {
        "messages": [{"role": "user", "content": text}], "max_tokens": count}),
    "ollama": ("/api/chat", lambda text, count: {
        "messages": [{"role": "user", "content": text}], "options": {"num_predict": count}, "think": False}),
}


def stream(server, path, body, tokens):
    """Reads one stream to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.request("POST", path, json.dumps(body), HEADERS)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.status == 200 and text, text


def round_of(server, name, options):
    """Tokens per second, and the processor time of the edge per token, of one round of streams."""
    path, make = DIALECTS[name]
    bodies = [{"model": "any", "stream": True, "ignore_eos": True, "temperature": 0, **make(question(index), options.tokens)}
              for index in range(options.streams)]
    if name == "ollama":
        for body in bodies:
            body["options"]["temperature"] = body.pop("temperature")
    cpu, start = cpu_seconds(server.pid), time.perf_counter()
    threads = [threading.Thread(target=stream, args=(server, path, body, options.tokens)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = options.streams * options.tokens
    return count / (time.perf_counter() - start), (cpu_seconds(server.pid) - cpu) / count * 1e6


def speed(options):
    flags = ["serve", "--port", 0, "--model", options.model, "--parallel", options.streams, "--ctx-size",
             options.streams * (options.tokens + 256), "--access-log", "off", "--no-journal"]
    ratios, costs = {name: [] for name in DIALECTS}, {name: [] for name in DIALECTS}
    with Server(options.binaries / "martlet", *flags) as server:
        for name in DIALECTS:
            round_of(server, name, options)
        for turn in range(options.runs):
            # Every dialect lies between two rounds of chat, so that a machine that becomes slower favours none.
            for name in list(DIALECTS)[1:]:
                before, cost = round_of(server, "chat", options)
                rate, own = round_of(server, name, options)
                after, _ = round_of(server, "chat", options)
                ratios[name].append(rate / ((before + after) / 2))
                costs[name].append(own)
                costs["chat"].append(cost)
    for name in list(DIALECTS)[1:]:
        report(f"tokens/s of {name} as a share of chat, {options.streams} streams", ratios[name], "(aim 0.98)")
    for name in DIALECTS:
        report(f"processor of the edge, each token of {name}", costs[name], "us")


def respond(server, body):
    """Creates a response. Returns it, and the seconds to its end."""
    start = time.perf_counter()
    status, text = server.request("POST", "/v1/responses", json.dumps({
        "model": "any", "temperature": 0, "reasoning": {"effort": "none"}, **body}), HEADERS)
    assert status == 200, text
    return json.loads(text), time.perf_counter() - start


def chain(options):
    """A chain by previous_response_id, against the same history sent as items."""
    folder = tempfile.mkdtemp()
    with Server(options.binaries / "martlet", "serve", "--port", 0, "--model", options.model, "--ctx-size", 4096, "--parallel", 1,
                "--access-log", "off", "--state-dir", folder) as server:
        previous, items, shares, chained, sent = None, [], [], [], []
        for turn in range(options.turns):
            text = f"Turn {turn}: what is {turn} + {turn}?"
            body = {"input": text, "max_output_tokens": 24} | ({"previous_response_id": previous} if previous else {})
            response, seconds = respond(server, body)
            usage = response["usage"]
            if turn:
                # Of the tokens of the turns before, which are all that a cache can have.
                shares.append(usage["input_tokens_details"]["cached_tokens"] / history)
                chained.append(seconds * 1000)
                again, seconds = respond(server, {"input": items + [{"role": "user", "content": text}], "store": False,
                                                  "max_output_tokens": 24})
                assert again["usage"]["input_tokens"] == usage["input_tokens"], (again["usage"], usage)
                sent.append(seconds * 1000)
            previous, history = response["id"], usage["total_tokens"]
            items += [{"role": "user", "content": text}, *response["output"]]
        total = usage["input_tokens"]
    shutil.rmtree(folder)
    report(f"cached share of the turns before, chain of {options.turns} turns, {total} tokens", shares, "(aim 0.97)")
    report("a turn by previous_response_id", chained, "ms")
    report("the same turn with the history, whose prompt is cached whole", sent, "ms")


def store(options):
    """The start of a server with many stored responses, and the time to read one of them."""
    folder = pathlib.Path(tempfile.mkdtemp())
    flags = ["serve", "--port", 0, "--model", options.model, "--access-log", "off", "--state-dir", folder]
    with Server(options.binaries / "martlet", *flags) as server:
        first, _ = respond(server, {"input": "What is 12 + 30?", "max_output_tokens": 24})
        # The file is written after the response.
        while server.request("GET", f"/v1/responses/{first['id']}")[0] != 200:
            time.sleep(0.01)
    source = next((folder / "responses").iterdir())
    text, own = source.read_text(), source.stem
    names = [hashlib.sha256(str(index).encode()).hexdigest()[:32] for index in range(options.responses - 1)]
    for name in names:
        source.with_name(f"{name}.json").write_text(text.replace(own, name))
    measure_starts(options, flags, folder, names, "/v1/responses/resp_{}", "stored responses")
    shutil.rmtree(folder)


def conversations(options):
    """The start of a server with many stored conversations, and the time to read one of them and its items."""
    folder = pathlib.Path(tempfile.mkdtemp())
    flags = ["serve", "--port", 0, "--model", options.model, "--access-log", "off", "--state-dir", folder]
    names, turns = [], [
        {"role": "user", "content": f"Question {index}: what is {index} + {index}?"} for index in range(4)]
    with Server(options.binaries / "martlet", *flags) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        start = time.perf_counter()
        for _ in range(options.responses):
            connection.request("POST", "/v1/conversations", json.dumps({"items": turns}), HEADERS)
            response = connection.getresponse()
            body = json.loads(response.read())
            assert response.status == 200, body
            names.append(body["id"])
        report("POST of a conversation with 4 items", [(time.perf_counter() - start) * 1000 / options.responses], "ms")
        connection.close()
    measure_starts(options, flags, folder, names, "/v1/conversations/{}", "stored conversations")
    measure_starts(options, flags, folder, names, "/v1/conversations/{}/items", "stored conversations, with its items")
    shutil.rmtree(folder)


def measure_starts(options, flags, folder, names, path, things):
    """Starts servers with a full state folder: the time to listen, the memory beside that of an empty one, and lookups."""
    starts, lookups, sizes, empty = [], [], [], tempfile.mkdtemp()
    for _ in range(options.runs):
        with Server(options.binaries / "martlet", *flags[:-1], empty) as server:
            plain = resident_bytes(server.pid)
        with Server(options.binaries / "martlet", *flags) as server:
            starts.append(server.listening_seconds)
            sizes.append((resident_bytes(server.pid) - plain) / len(names))
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            for name in names[::len(names) // 200 or 1]:
                start = time.perf_counter()
                connection.request("GET", path.format(name))
                response = connection.getresponse()
                body = response.read()
                lookups.append((time.perf_counter() - start) * 1000)
                assert response.status == 200 and (name in body.decode() or "/items" in path), body
            connection.close()
    shutil.rmtree(empty)
    report(f"start until it listens, with {len(names)} {things}", starts, "s (aim 2)")
    report("memory of the edge for each of them, beside an empty folder", sizes, "bytes")
    report("GET of one of them", lookups, "ms (aim 2)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", default=["speed", "chain", "store", "conversations"])
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--model", default=ROOT / "Models/fledgling.Q8_0.gguf")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--responses", type=int, default=10_000)
    options = parser.parse_args()
    for name in options.figures:
        {"speed": speed, "chain": chain, "store": store, "conversations": conversations}[name](options)


if __name__ == "__main__":
    main()
