"""Measures the running program: start, memory, tokens per second, the edge's processor time per token.

Usage: bench.py MARTLET MODEL.gguf [--threads N] [--streams 16] [--tokens 300]

Needs Linux (/proc) and llama-cpp-python, whose libllama gives the rate that the server's is compared with.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import time

import llama_cpp

PROMPT = "Think for a long time about rivers."


class Server:
    """`martlet serve` on a free port, stopped at the end of a `with`."""

    def __init__(self, program, model, threads):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        flags = ["--model", model, "--host", "127.0.0.1", "--port", str(self.port), "--threads", str(threads)]
        began = time.monotonic()
        self.process = subprocess.Popen(
            [program, "serve", *flags], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not self.is_ready():
            if self.process.poll() is not None:
                raise SystemExit(f"{program} serve exited with status {self.process.returncode}")
            time.sleep(0.002)
        self.start_seconds = time.monotonic() - began

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def resident_megabytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def processor_seconds(self):
        """User and system time of the edge alone; its workers are other processes."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stream(self, seed, tokens):
        """(tokens, seconds from the first event with text to the last) of one streamed answer."""
        body = {
            "messages": [{"role": "user", "content": PROMPT}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": tokens,
            "seed": seed,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"the server answered {response.status}: {response.read().decode()}")
        first = last = None
        count = 0
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                raise SystemExit(f"the stream ended with {event['error']}")
            if event.get("usage"):
                count = event["usage"]["completion_tokens"]
            elif event["choices"] and any(event["choices"][0]["delta"].get(k) for k in ("content", "reasoning_content")):
                last = time.monotonic()
                first = first or last
        connection.close()
        return count, last - first


def library_rate(model, threads, tokens):
    """Tokens per second of single-token decodes without sampling, as llama-bench measures text generation."""
    llama = llama_cpp.Llama(model, n_ctx=4096, n_threads=threads, n_threads_batch=threads, verbose=False)
    batch_tokens = (llama_cpp.llama_token * 1)(5)
    context = llama.ctx
    for warm in (True, False):
        count = 16 if warm else tokens
        began = time.monotonic()
        for _ in range(count):
            if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(batch_tokens, 1)) != 0:
                raise SystemExit("libllama's decode failed")
        llama_cpp.llama_synchronize(context)
        rate = count / (time.monotonic() - began)
    return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=300)
    options = parser.parse_args()

    starts = []
    for _ in range(5):
        with Server(options.program, options.model, options.threads) as server:
            starts.append(server.start_seconds)
            idle = server.resident_megabytes()
    print(f"start to /health ok        {statistics.median(starts):8.3f} s   (median of 5)")
    print(f"edge, idle, resident       {idle:8.1f} MB")

    with Server(options.program, options.model, options.threads) as server:
        server.stream(0, 16)
        rates = [(count - 1) / seconds for count, seconds in (server.stream(i, options.tokens) for i in range(5))]
        alone = statistics.median(rates)
        library = library_rate(options.model, options.threads, options.tokens)
        print(f"one stream                 {alone:8.0f} tokens/s, {alone / library:.2f} of libllama's {library:.0f}")
        before, began = server.processor_seconds(), time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(options.streams) as pool:
            counts = [count for count, _ in pool.map(lambda i: server.stream(i, options.tokens), range(options.streams))]
        total, seconds = sum(counts), time.monotonic() - began
        per_token = (server.processor_seconds() - before) / total * 1e6
        print(f"{options.streams:2} streams                 {total / seconds:8.0f} tokens/s together")
        print(f"edge, processor time       {per_token:8.1f} µs per token at {options.streams} streams")


if __name__ == "__main__":
    main()
