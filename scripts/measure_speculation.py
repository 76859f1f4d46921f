#!/usr/bin/env python3
"""Measures speculative decoding: tokens per second with drafts divided by tokens per second without, alternating in one run.

usage: scripts/measure_speculation.py [--martlet PROGRAM] [--model FILE] [--draft FILE] [--threads N] [--rounds N] [--tokens N]
                                      [--streams 1,4] [--check]

Tasks: `repeated` (a grammar of tokens lets the model write one sentence again and again; lookup finds it) and `free` (greedy text; lookup
rarely finds anything). With --check the program fails if `repeated` with one stream is below 1.5, or `free` below 0.97.
"""
import argparse
import concurrent.futures
import json
import pathlib
import statistics
import sys

from measuring import ROOT, Server, report

SENTENCE = "The river runs past the old mill, and the miller counts ten sacks of flour before the evening bell. "


def complete(server, **fields):
    """Runs one completion, and returns its timings."""
    status, text = server.request(
        "POST", "/completion", json.dumps({"temperature": 0, "cache_prompt": True, "ignore_eos": True, **fields}),
        {"Content-Type": "application/json"})
    assert status == 200, text
    return json.loads(text)["timings"]


def speed(server, streams, fields):
    """The tokens per second of some equal completions at the same time, and the counts of drafts."""
    with concurrent.futures.ThreadPoolExecutor(streams) as pool:
        timings = list(pool.map(lambda index: complete(server, seed=index, **fields), range(streams)))
    tokens = sum(each["predicted_n"] - 1 for each in timings)
    return (
        tokens * 1000 / max(each["predicted_ms"] for each in timings),
        sum(each.get("draft_n", 0) for each in timings), sum(each.get("draft_n_accepted", 0) for each in timings))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("--martlet", type=pathlib.Path, default=ROOT / ".build/release/martlet")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "Models/fledgling.Q8_0.gguf")
    parser.add_argument("--draft", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--streams", default="1")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    kind = "draft-simple" if options.draft else "ngram-simple"
    draft = ["--model-draft", options.draft] if options.draft else []
    failures = []
    with Server(
        options.martlet, "serve", "--model", options.model, "--port", 0, "--threads", options.threads, "--ctx-size", 2048,
        *draft, "--spec-type", "none") as server:
        status, text = server.request("POST", "/tokenize", json.dumps({"content": SENTENCE}))
        assert status == 200, text
        tokens = json.loads(text)["tokens"]
        sentence = " ".join(f"<[{token}]>" for token in tokens)
        tasks = {
            "repeated": {"prompt": SENTENCE * 2, "grammar": f"root ::= ({sentence})+"},
            "free": {"prompt": "Seven sailors sat beside a quiet harbour and one of them said"},
        }
        for streams in map(int, options.streams.split(",")):
            for task, fields in tasks.items():
                fields = {**fields, "n_predict": options.tokens}
                ratios, accepted, drafted = [], 0, 0
                # The first pair measures the durations of decodes, which later requests use.
                for number in range(options.rounds + 1):
                    kinds = ["none", kind] if number % 2 else [kind, "none"]
                    speeds = {}
                    for each in kinds:
                        speeds[each], *counts = speed(server, streams, {**fields, "speculative.types": each})
                        if number > 0:
                            drafted, accepted = drafted + counts[0], accepted + counts[1]
                    if number > 0:
                        ratios.append(speeds[kind] / speeds["none"])
                report(f"{task}, {streams} streams, {accepted} of {drafted} drafted tokens accepted", ratios, "times the speed")
                ratio = statistics.median(ratios)
                if task == "repeated" and streams == 1 and ratio < 1.5 or task == "free" and ratio < 0.97:
                    failures.append(f"{task} with {streams} streams: {ratio:.3f}")
    if options.check and failures:
        sys.exit("below the limit: " + "; ".join(failures))


main()
