"""Talks to a running server through Ollama's unmodified Python client.

usage: ollama_sdk.py BASE_URL      (without a path)
Prints one line per check; exits 1 at the first that fails.
"""
import json
import pathlib
import sys

import ollama
import pydantic

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Clients"))

from checking import check  # noqa: E402

client = ollama.Client(host=sys.argv[1])
QUESTION = [{"role": "user", "content": "What is 12 + 30?"}]
FAST = {"temperature": 0, "num_predict": 60}


models = client.list().models
check("list", len(models) == 1 and models[0].model, models)
NAME = models[0].model
shown = client.show(NAME)
check("show", "completion" in shown.capabilities and shown.template, shown)
check("ps", client.ps().models[0].context_length > 0)

whole = client.chat(NAME, QUESTION, options=FAST)
check("chat", whole.done and whole.message.content and whole.eval_count > 0, whole)
check("durations", whole.total_duration > 0 and whole.eval_duration > 0, whole)
parts = list(client.chat(NAME, QUESTION, options=FAST, stream=True))
text = "".join(part.message.content or "" for part in parts)
check("stream", text == whole.message.content, (text, whole.message.content))
check("last", [part.done for part in parts] == [False] * (len(parts) - 1) + [True])
thinking = "".join(part.message.thinking or "" for part in parts)
check("thinking", thinking == (whole.message.thinking or ""), thinking)
plain = client.chat(NAME, QUESTION, options=FAST, think=False)
check("no thinking", plain.message.content and not plain.message.thinking, plain)


class Sum(pydantic.BaseModel):
    result: int


shaped = client.chat(
    NAME, QUESTION, format=Sum.model_json_schema(), think=False, options={"temperature": 0, "num_predict": 200})
check("schema", isinstance(Sum.model_validate_json(shaped.message.content).result, int), shaped)
loose = client.generate(NAME, "Say something.", format="json", think=False, options={"temperature": 0, "num_predict": 300})
check("json", loose.done_reason == "length" or isinstance(json.loads(loose.response), dict), loose)


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return a + b


called = list(client.chat(NAME, [{"role": "user", "content": "Use the tool to add 2 and 3."}], tools=[add],
                          options={"temperature": 0, "num_predict": 300}, stream=True))
calls = [call for part in called for call in part.message.tool_calls or []]
for call in calls:
    check("call", call.function.name == "add" and isinstance(call.function.arguments, dict), call)
print(f"ok tools ({len(calls)} calls)")

raw = "".join(part.response for part in client.generate(NAME, "One, two,", raw=True, options=FAST, stream=True))
check("raw", raw == client.generate(NAME, "One, two,", raw=True, options=FAST).response, raw)
check("load", client.generate(NAME, "").done_reason == "load")
vectors = client.embed(NAME, ["one", "two words"])
check("embed", len(vectors.embeddings) == 2 and abs(sum(x * x for x in vectors.embeddings[0]) - 1) < 1e-4)
check("embeddings", len(client.embeddings(NAME, "one").embedding) == len(vectors.embeddings[0]))
check("pull", list(client.pull(NAME, stream=True))[-1].status == "success")
try:
    client.show("another-model")
    check("unknown model", False)
except ollama.ResponseError as error:
    check("unknown model", error.status_code == 404 and "another-model" in error.error, error)
