"""Talks to a running server over its WebSocket through the `websockets` library.

usage: realtime.py BASE_URL REPOSITORY      (BASE_URL without /v1)
Every message in either direction is held to docs/realtime.asyncapi.yaml. Prints "all checks passed".
"""
import asyncio
import json
import re
import sys
import urllib.request

import jsonschema
import websockets
import yaml

base_url, repository = sys.argv[1:]
url = base_url.replace("http", "ws", 1) + "/v1/realtime"
with open(repository + "/docs/realtime.asyncapi.yaml") as file:
    description = yaml.safe_load(file)
schemas = description["components"]["schemas"]
validators = {
    name: jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/" + name, "components": description["components"]})
    for name in description["channels"]["realtime"]["messages"]
}
LAST = ("finished", "failed", "handover")


def fetch(path):
    with urllib.request.urlopen(base_url + path) as response:
        return json.load(response)


def chat(text, **more):
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "seed": 1, **more}


class Client:
    """A WebSocket whose messages are checked. What is not waited for now is kept for later."""

    def __init__(self, socket):
        self.socket = socket
        self.kept = []

    async def send(self, fragments=1, **message):
        validators[message["type"]].validate(message)
        text = json.dumps(message, ensure_ascii=False)
        if fragments == 1:
            return await self.socket.send(text)
        size = len(text) // fragments + 1
        await self.socket.send([text[i:i + size] for i in range(0, len(text), size)])

    async def receive(self, wanted):
        for index, message in enumerate(self.kept):
            if wanted(message):
                return self.kept.pop(index)
        while True:
            message = json.loads(await self.socket.recv())
            validators[message["type"]].validate(message)
            if wanted(message):
                return message
            self.kept.append(message)

    async def answer(self, request_id):
        return await self.receive(lambda m: m["type"] != "event" and m.get("request_id") == request_id)

    async def ask(self, request_id, **message):
        await self.send(request_id=request_id, **message)
        return await self.answer(request_id)

    async def events(self, id, last=LAST):
        """Up to the first one of a kind in `last`."""
        events = []
        while not events or events[-1]["kind"] not in last:
            events.append(await self.receive(lambda m: m["type"] == "event" and m["id"] == id))
        return events


def connect(**more):
    # Without a limit of its own queue: the library reads no pong while that is full.
    return websockets.connect(url, subprotocols=["martlet.v1"], max_size=None, max_queue=None, **more)


def text(events, channel="content"):
    return "".join(e["text"] for e in events if e["kind"] == "text" and e["channel"] == channel)


async def generations_share_a_socket():
    async with connect() as socket:
        assert socket.subprotocol == "martlet.v1"
        client = Client(socket)
        ids = {}
        for number in range(6):
            reply = await client.ask(
                f"r{number}", type="generate", id=f"g{number}", fragments=number + 1,
                request=chat(f"Count from {number} to {number + 9}. Größe 世界", max_tokens=60))
            assert reply["name"] == f"g{number}", reply
            ids[reply["id"]] = number
        await (await socket.ping())
        for id in ids:
            events = await client.events(id)
            numbers = [e["event"] for e in events]
            assert numbers == sorted(set(numbers)), numbers
            message = fetch(f"/v1/generations/{id}/result")["choices"][0]["message"]
            assert text(events) == message["content"], events
            assert text(events, "reasoning") == message.get("reasoning_content", "")
            # The whole log again, and its end alone.
            again = await client.ask("again", type="attach", id=id)
            assert again["generation"]["state"] == "finished", again
            assert await client.events(id) == events
            await client.ask("end", type="attach", id=id, from_event=numbers[-1])
            assert [e["event"] for e in await client.events(id)] == numbers[-1:]
        used = await client.ask("used", type="generate", id="g0", request=chat("x"))
        assert used["error"]["reason"] == "id_used", used


async def orders_take_effect():
    async with connect() as socket:
        client = Client(socket)
        request = chat("Tell a long story.", max_tokens=100_000, ignore_eos=True)
        id = (await client.ask("1", type="generate", id="story", request=request))["id"]
        while (await client.events(id, last=("text",)))[-1]["text"] == "":
            pass
        assert (await client.ask("2", type="control", id="story", action="pause"))["applied"]
        status = await client.ask("3", type="control", id=id, action="status")
        assert status["paused"] and status["tokens"] > 0, status
        changed = await client.ask("4", type="control", id=id, action="set", changes={"temperature": 0.5})
        assert changed["old"]["temperature"] == 0 and changed["new"]["temperature"] == 0.5, changed
        refused = await client.ask("5", type="control", id=id, action="pause")
        assert refused["error"]["reason"] == "already_paused", refused
        assert (await client.ask("6", type="control", id=id, action="resume"))["applied"]
        # In order, however many.
        for number in range(100):
            await client.send(
                type="control", id=id, action="set", request_id=f"s{number}", changes={"top_k": number + 1})
        order = [await client.receive(lambda m: m["type"] != "event") for _ in range(100)]
        assert [m["request_id"] for m in order] == [f"s{n}" for n in range(100)], order
        places = [(m["at_token"], m["event"]) for m in order]
        assert places == sorted(places), places
        stopped = await client.ask("7", type="control", id=id, action="stop", reason="enough")
        events = await client.events(id)
        assert events[-1]["kind"] == "finished" and events[-1]["finish_reason"] == "stop", events[-1]
        kinds = {e["control"]["action"]: e for e in events if e["kind"] == "control"}
        assert kinds["stop"]["event"] == stopped["event"], (kinds, stopped)
        ended = await client.ask("8", type="control", id=id, action="stop")
        assert ended["error"]["reason"] == "finished", ended


async def closing_only_detaches():
    async with connect() as socket:
        client = Client(socket)
        request = chat("Tell a story.", max_tokens=300, ignore_eos=True)
        id = (await client.ask("1", type="generate", id="story", conversation_id="talk", request=request))["id"]
        seen = []
        for _ in range(20):
            seen += await client.events(id, last=("text",))
    async with connect() as socket:
        client = Client(socket)
        reply = await client.ask("1", type="attach", conversation_id="talk", from_event=seen[-1]["event"] + 1)
        assert reply.get("id") == id, reply
        seen += await client.events(id)
    message = fetch(f"/v1/generations/{id}/result")["choices"][0]["message"]
    assert text(seen) == message["content"]
    assert text(seen, "reasoning") == message.get("reasoning_content", "")


async def a_generation_without_credit_holds_up_no_other():
    async with connect() as socket:
        client = Client(socket)
        request = chat("Tell a story.", max_tokens=200, ignore_eos=True)
        stalled = (await client.ask("1", type="generate", id="stalled", until_event=5, request=request))["id"]
        other = (await client.ask("2", type="generate", id="other", request=request))["id"]
        await client.events(other)
        await client.ask("3", type="ping")
        assert [m["event"] for m in client.kept if m["type"] == "event" and m["id"] == stalled] == list(range(5))
        await client.ask("4", type="credit", id="stalled", until_event=1_000_000)
        numbers = [e["event"] for e in await client.events(stalled)]
        assert numbers == list(range(len(numbers))) and len(numbers) > 200, numbers


async def breaches_close_with_their_code():
    async def code_after(send):
        async with connect() as socket:
            try:
                # The server may say no while this is still sending.
                await send(socket)
                while True:
                    await socket.recv()
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code

    assert await code_after(lambda s: s.send(b"{}")) == 1003
    assert await code_after(lambda s: s.send(b'"\xff"', text=True)) == 1007
    assert await code_after(lambda s: s.send(b'"' + b"x" * (16 << 20) + b'"', text=True)) == 1009
    assert await code_after(lambda s: s.close(4001, "bye")) == 4001


async def bad_messages_are_refused():
    async with connect() as socket:
        for bad in ["nonsense", "[]", "{}", '{"type":"explode","request_id":"x"}', '{"type":"attach","id":"no"}']:
            await socket.send(bad)
            reply = json.loads(await socket.recv())
            validators["error"].validate(reply)
            assert 400 <= reply["error"]["code"] < 500, reply


async def the_guide_works():
    with open(repository + "/docs/realtime.md") as file:
        code = re.search(r"```python\n(.*?)```", file.read(), re.S).group(1)
    code = code.replace("ws://127.0.0.1:8080/v1/realtime", url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    output, error = await process.communicate()
    assert process.returncode == 0 and output.strip(), error.decode()


async def main():
    for check in [
        generations_share_a_socket, orders_take_effect, closing_only_detaches,
        a_generation_without_credit_holds_up_no_other, breaches_close_with_their_code,
        bad_messages_are_refused, the_guide_works,
    ]:
        await check()
        print(check.__name__, flush=True)
    print("all checks passed")


asyncio.run(main())
