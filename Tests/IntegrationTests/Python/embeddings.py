"""Compares a running server's embeddings with llama-cpp-python's on the same file.

usage: embeddings.py BASE_URL MODEL POOLING      (BASE_URL without /v1; POOLING: none, mean, cls, last)
Prints the largest difference; exits 1 when one is larger than 1e-4.
"""
import base64
import json
import math
import struct
import sys
import urllib.request

import llama_cpp
import openai

base_url, model, pooling = sys.argv[1:]
TEXTS = [
    "A martlet is a bird that never lands.", "x", "Größe, 世界 and 🐦", "one two three " * 30,
    "The quick brown fox jumps over the lazy dog.",
]


def post(path, body):
    request = urllib.request.Request(
        base_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def normalized(vector):
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length else vector


def difference(first, second):
    assert len(first) == len(second), (len(first), len(second))
    return max(abs(a - b) for a, b in zip(first, second))


kinds = {"none": 0, "mean": 1, "cls": 2, "last": 3}
reference = llama_cpp.Llama(
    model, embedding=True, pooling_type=kinds[pooling], n_ctx=512, n_batch=512, n_ubatch=512, verbose=False)
largest = 0.0
rows = post("/embedding", {"input": TEXTS})
for text, entry in zip(TEXTS, rows):
    expected = reference.embed(text)
    if pooling == "none":
        for mine, theirs in zip(entry["embedding"], expected, strict=True):
            # Of single tokens nothing is normalized: compare relative to their size.
            largest = max(largest, difference(mine, theirs) / max(map(abs, theirs)))
    else:
        largest = max(largest, difference(entry["embedding"][0], normalized(expected)))
if pooling != "none":
    client = openai.OpenAI(base_url=base_url + "/v1", api_key="none")
    name = client.models.list().data[0].id
    for encoding in [openai.NOT_GIVEN, "float", "base64"]:
        answer = client.embeddings.create(model=name, input=TEXTS, encoding_format=encoding)
        for entry, row in zip(answer.data, rows, strict=True):
            vector = entry.embedding
            if isinstance(vector, str):
                raw = base64.b64decode(vector)
                vector = struct.unpack(f"<{len(raw) // 4}f", raw)
            largest = max(largest, difference(vector, row["embedding"][0]))
    tokens = reference.tokenize(TEXTS[0].encode(), add_bos=False)
    assert client.embeddings.create(model=name, input=tokens).usage.prompt_tokens == len(tokens)
print(f"largest difference {largest:.2e}")
sys.exit(0 if largest < 1e-4 else 1)
