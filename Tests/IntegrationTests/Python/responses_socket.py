"""Talks to a running server over the WebSocket of Responses, as Codex opens it, through the `websockets` library.

usage: responses_socket.py BASE_URL      (BASE_URL has no /v1)
Prints one line per check; exits 1 at the first that fails.
"""
import json
import pathlib
import sys
import urllib.request

import openai
import websockets.exceptions
import websockets.sync.client

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Clients"))

from checking import check  # noqa: E402

BASE_URL = sys.argv[1]
URL = BASE_URL.replace("http", "ws", 1) + "/v1/responses"
SUM = "What is 12 + 30?"


def connect(**headers):
    return websockets.sync.client.connect(
        URL, max_size=None, additional_headers={"OpenAI-Beta": "responses_websockets=2026-02-06", **headers})


def create(socket, **fields):
    socket.send(json.dumps({"type": "response.create", "model": "gpt-any", "temperature": 0, **fields}))


def events(socket):
    """The events up to the end of a response, or an error."""
    received = []
    while True:
        event = json.loads(socket.recv(timeout=60))
        received.append(event)
        status = event.get("response", {}).get("status")
        if event["type"] == "error" or status not in (None, "in_progress", "queued"):
            return received


def text(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def turns():
    with connect() as socket:
        prompt = [{"role": "user", "content": SUM}]
        create(socket, input=prompt, store=False, generate=False)
        warm_up = events(socket)[-1]["response"]
        check("a warm-up completes without output", (warm_up["status"], warm_up["output"]) == ("completed", []), warm_up)
        create(socket, input=[], store=False, previous_response_id=warm_up["id"])
        received = events(socket)
        first = received[-1]["response"]
        check("its continuation answers", "42" in text(first), first)
        details = first["usage"]["input_tokens_details"]
        # A prompt never computes a single token, so two remain.
        check("and finds the prompt in the cache", details["cached_tokens"] >= first["usage"]["input_tokens"] - 2, first)
        check("events are numbered", [event["sequence_number"] for event in received] == list(range(len(received))))
        deltas = "".join(event["delta"] for event in received if event["type"] == "response.output_text.delta")
        check("deltas are the text", deltas == text(first), deltas)
        whole = openai.OpenAI(base_url=BASE_URL + "/v1", api_key="none").responses.create(
            model="gpt-any", input=prompt, temperature=0)
        check("the text is that of HTTP", whole.output_text == text(first), whole)
        create(socket, input="And 1 more?", store=False, previous_response_id=first["id"])
        check("a turn that is not stored is continued", events(socket)[-1]["response"]["status"] == "completed")
        create(socket, input="One?")
        create(socket, input="Two?")
        ends = [events(socket)[-1]["response"]["id"], events(socket)[-1]["response"]["id"]]
        check("several responses come one after another", len(set(ends)) == 2)
    with connect() as socket:
        create(socket, input="More", previous_response_id=first["id"])
        error = events(socket)[-1]
        check("another connection does not know it", error["error"]["code"] == "previous_response_not_found", error)
        create(socket, input="More", previous_response_id=ends[0])
        check("a stored one is known", events(socket)[-1]["response"]["status"] == "completed")


def refusals():
    with connect() as socket:
        for message, status in [("{", 400), ('{"type":"session.update"}', 400), (
                '{"type":"response.create","input":"a","background":true}', 400)]:
            socket.send(message)
            error = json.loads(socket.recv(timeout=60))
            check(f"refused: {message}", (error["type"], error["status"]) == ("error", status), error)
        create(socket, input="Count from 1 to 5000 slowly.", max_output_tokens=100_000)
        while json.loads(socket.recv(timeout=60))["type"] != "response.in_progress":
            pass
        socket.send('{"type":"response.cancel"}')
        check("a cancelled response ends", events(socket)[-1]["response"]["status"] in ("cancelled", "completed"))
        socket.send(b"\x00")
        try:
            while True:
                socket.recv(timeout=60)
        except websockets.exceptions.ConnectionClosed as closed:
            check("a binary message closes with 1003", closed.rcvd.code == 1003, closed)


def stores():
    client = openai.OpenAI(base_url=BASE_URL + "/v1", api_key="none")
    conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "My name is Ada."}])
    for question in [SUM, "And 1 more?"]:
        client.responses.create(model="gpt-any", input=question, conversation=conversation.id, temperature=0)
    items = client.conversations.items.list(conversation.id, order="asc").data
    check("a conversation has all items", [item.role for item in items if item.type == "message"] == [
        "user", "user", "assistant", "user", "assistant"], items)
    check("it is deleted", client.conversations.delete(conversation.id).deleted)
    made = client.chat.completions.create(
        model="gpt-any", messages=[{"role": "user", "content": SUM}], store=True, metadata={"topic": "sum"},
        service_tier="auto")
    check("the tier is named", made.service_tier == "default", made)
    listed = client.chat.completions.list(metadata={"topic": "sum"}).data
    check("a stored completion is listed", [entry.id for entry in listed] == [made.id], listed)
    check("its message is listed", client.chat.completions.messages.list(made.id).data[0].content == SUM)
    check("its metadata changes", client.chat.completions.update(made.id, metadata={"a": "b"}).metadata == {"a": "b"})
    check("it is deleted", client.chat.completions.delete(made.id).deleted)
    best = client.completions.create(model="gpt-any", prompt="One two", best_of=3, n=2, max_tokens=4, seed=1)
    check("the best two of three", len(best.choices) == 2 and best.usage.completion_tokens <= 12, best)
    with urllib.request.urlopen(BASE_URL + "/openapi.json") as response:
        check("the document is served", json.load(response)["openapi"] == "3.1.0")


def sdk():
    client = openai.OpenAI(base_url=BASE_URL + "/v1", api_key="none")
    with client.responses.connect() as connection:
        previous = None
        for _ in range(2):
            connection.response.create(model="gpt-any", input=SUM, store=False, previous_response_id=previous)
            for event in connection:
                if event.type == "response.completed":
                    break
            check("OpenAI's client reads the events", event.response.status == "completed", event)
            previous = event.response.id


turns()
sdk()
refusals()
stores()
print("all checks passed")
