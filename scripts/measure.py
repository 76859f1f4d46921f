#!/usr/bin/env python3
"""Measures the processes of a real server: start, memory, speed, and the edge's CPU time per streamed token.

usage: scripts/measure.py [--binary PATH] [--model GGUF] [--llama-bench PATH] [--streams N] [--tokens N] [--runs N]

Prints one line per figure: the median of the runs, then minimum and maximum. Ratios are computed within one run, because
the machine may be busy with other work. Needs Linux (/proc). The rate of libllama alone, single-token decodes without
sampling, is measured with llama-cpp-python, or with llama.cpp's llama-bench if its path is given.
"""
import argparse
import json
import re
import selectors
import socket
import subprocess
import sys
import time

from measuring import ROOT, Server, cpu_seconds, report, resident_bytes


def stream(port, streams, tokens):
    """Runs `streams` completions at once, with `tokens` tokens each. Returns the tokens, and the seconds from the first byte of text to the end."""
    body = json.dumps({
        "prompt": "Once upon a time", "max_tokens": tokens, "ignore_eos": True, "stream": True, "temperature": 0,
        "cache_prompt": False, "stream_options": {"include_usage": True}}).encode()
    request = (b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
    selector = selectors.DefaultSelector()
    tails = {}
    for _ in range(streams):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(request)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
        tails[connection] = b""
    first = None
    while selector.get_map():
        for key, _ in selector.select():
            connection = key.fileobj
            data = connection.recv(1 << 18)
            if data:
                if first is None and b'"text"' in data:
                    first = time.perf_counter()
                tails[connection] = (tails[connection] + data)[-4096:]
            else:
                selector.unregister(connection)
                connection.close()
    seconds = time.perf_counter() - first
    total = sum(int(re.findall(rb'"completion_tokens":(\d+)', tail)[-1]) for tail in tails.values())
    assert total == streams * tokens, f"{total} of {streams * tokens} tokens came"
    return total, seconds


def llama_bench(binary, model, threads, tokens):
    output = subprocess.run(
        [binary, "-m", model, "-t", str(threads), "-p", "0", "-n", str(tokens), "-r", "1", "-o", "json"],
        check=True, capture_output=True).stdout
    return json.loads(output)[-1]["avg_ts"]


def library(model, threads, tokens):
    """Returns tokens per second of single-token decodes, measured like llama-bench's text generation, in a process of its own."""
    program = f"""
import llama_cpp, time
llama = llama_cpp.Llama({model!r}, n_ctx=4096, n_threads={threads}, n_threads_batch={threads}, verbose=False)
token = (llama_cpp.llama_token * 1)(5)
for count in (16, {tokens}):
    began = time.perf_counter()
    for _ in range(count):
        assert llama_cpp.llama_decode(llama.ctx, llama_cpp.llama_batch_get_one(token, 1)) == 0
    llama_cpp.llama_synchronize(llama.ctx)
print(count / (time.perf_counter() - began))
"""
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ROOT / ".build/release/martlet"))
    parser.add_argument("--model", default=str(ROOT / "Models/fledgling.Q8_0.gguf"))
    parser.add_argument("--llama-bench", help="llama.cpp's llama-bench, built from the same sources as libllama")
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()

    figures = {}

    def note(name, value, unit):
        figures.setdefault((name, unit), []).append(value)

    for _ in range(options.runs):
        server = Server(options.binary, "serve", "--port", 0, "--model", options.model, "--threads", options.threads)
        try:
            edge, worker = server.pid, server.worker()
            note("start to /health", server.start_seconds, "s")
            note("edge, idle", resident_bytes(edge) / 2**20, "MiB")
            note("worker, idle", resident_bytes(worker) / 2**20, "MiB")
            stream(server.port, 1, 32)
            count, seconds = stream(server.port, 1, options.tokens)
            rate = (count - 1) / seconds
            note("1 stream", rate, "tokens/s")
            if options.llama_bench:
                name = "llama-bench"
                reference = llama_bench(options.llama_bench, options.model, options.threads, options.tokens)
            else:
                name = "libllama alone"
                reference = library(options.model, options.threads, options.tokens)
            note(name, reference, "tokens/s")
            note(f"1 stream / {name}", rate / reference, "")
            before = cpu_seconds(edge)
            count, seconds = stream(server.port, options.streams, options.tokens)
            note(f"{options.streams} streams", count / seconds, "tokens/s")
            note(f"edge CPU at {options.streams} streams", (cpu_seconds(edge) - before) * 1e6 / count, "us/token")
        finally:
            server.stop()
    for (name, unit), values in figures.items():
        report(name, values, unit)


if __name__ == "__main__":
    main()
