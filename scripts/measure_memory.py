#!/usr/bin/env python3
"""Compares the memory plan of `martlet show --json` with the memory that a worker really uses.

    measure_memory.py MARTLET MODEL.gguf…   serves each model with two context lengths and prints plan, measurement and their ratio

The worker is measured after a prompt that fills nine tenths of the context, because the system counts memory when it is used; a model that generates
no text is measured after a vector of a full batch. make_model.py and `scripts/memory_models.py` write models. Linux only. The exit code is 1 if a plan
differs from its measurement by more than 10 percent.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

TOLERANCE = 0.10


def resident_bytes(process):
    with open(f"/proc/{process}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024


def children(parent):
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    if int(stat.read().rsplit(")", 1)[1].split()[1]) == parent:
                        yield int(entry)
            except (OSError, IndexError):
                continue


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(port, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers), timeout=300) as response:
        return json.load(response)


def measured(program, model, length, generates=True):
    port = free_port()
    flags = [] if generates else ["--embeddings"]
    server = subprocess.Popen([program, "serve", "-m", model, "-c", str(length), "-np", "4", "--port", str(port), "--no-journal", *flags],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                request(port, "/health")
                break
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.1)
        tokens = length * 9 // 10
        prompt = (request(port, "/tokenize", {"content": " the cat sat on a mat" * 64})["tokens"] * tokens)[:tokens]
        if generates:
            request(port, "/completion", {"prompt": prompt, "n_predict": 2, "temperature": 0})
        else:
            request(port, "/v1/embeddings", {"input": prompt[:500]})
        return resident_bytes(next(children(server.pid)))
    finally:
        server.terminate()
        server.wait()


def main():
    program, models = sys.argv[1], sys.argv[2:]
    failed = False
    print(f"{'model':28} {'architecture':12} {'memory':16} {'context':>8} {'plan MiB':>9} {'RSS MiB':>8} {'ratio':>6}")
    for model in models:
        for length in (4_096, 16_384):
            shown = json.loads(subprocess.run([program, "show", model, "-c", str(length), "--json"], capture_output=True).stdout)
            planned = shown["plan"]["shares"][0]["total"]
            used = measured(program, model, length, "completion" in shown["capabilities"])
            ratio = planned / used
            failed |= abs(ratio - 1) > TOLERANCE
            print(f"{os.path.basename(model):28} {shown['architecture']:12} {shown['memory']:16} {length:8} {planned / 2**20:9.1f} "
                  f"{used / 2**20:8.1f} {ratio:6.2f}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
