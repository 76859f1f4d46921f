"""Requests in the shape in which Codex, Claude Code, opencode and Zed send them: each is answered as that client's parser demands.

usage: recorded.py BASE_URL [CLIENT…]

recorded/CLIENT.json has the requests: headers, bodies, the form of the stream, the tool that must be called, and the tools that the server
leaves out. They are written from each client's documentation with own texts, so that no client is needed. This program has parsers of
its own that are as strict as those of the clients: an event at a wrong place ends the program. Python's standard library is enough.
"""
import http.client
import json
import pathlib
import sys
import urllib.parse

from checking import BASE_URL, check, finish

FOLDER = pathlib.Path(__file__).parent / "recorded"
ADDRESS = urllib.parse.urlsplit(BASE_URL)


class Broken(Exception):
    """A stream that the client's parser refuses."""


def demand(condition, text):
    if not condition:
        raise Broken(text)


def send(request):
    """Sends a request. Returns the response and its body."""
    connection = http.client.HTTPConnection(ADDRESS.hostname, ADDRESS.port, timeout=120)
    body = request.get("body")
    connection.request(request.get("method", "POST"), request["path"], None if body is None else json.dumps(body).encode(),
                       request["headers"])
    response = connection.getresponse()
    return response, response.read().decode()


def server_sent(text):
    """The events of a stream: the name or None, and the data. Comments are no events."""
    for block in text.split("\n\n"):
        fields = [line.partition(": ") for line in block.split("\n") if line and not line.startswith(":")]
        data = "\n".join(value for name, _, value in fields if name == "data")
        if data:
            yield next((value for name, _, value in fields if name == "event"), None), data


def arguments_of(text, is_cut):
    """The arguments of a call; None for a call that the limit of tokens has cut off."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        demand(is_cut, f"arguments that are no JSON: {text[:200]}")
        return None


def messages(text):
    """Anthropic's client: blocks open and close one after another, deltas fit their block, usage is in both ends."""
    calls, block, arguments, reason, state = [], None, "", None, "begin"
    count = 0
    for name, data in server_sent(text):
        event = json.loads(data)
        demand(name == event["type"], f"the event's name is {name}, its type {event['type']}")
        if name == "ping":
            continue
        if name == "message_start":
            demand(state == "begin", "a second message_start")
            message = event["message"]
            demand(message["id"].startswith("msg_") and message["role"] == "assistant" and message["content"] == []
                   and message["stop_reason"] is None and message["usage"]["input_tokens"] >= 0, message)
            state = "message"
        elif name == "content_block_start":
            demand(state == "message" and block is None and event["index"] == count, event)
            block, arguments = event["content_block"], ""
            demand(block["type"] in ("text", "thinking", "tool_use", "redacted_thinking"), block)
            demand(block["type"] != "tool_use" or block["id"].startswith("toolu_") and block["input"] == {}, block)
        elif name == "content_block_delta":
            kind = event["delta"]["type"]
            demand(block is not None and event["index"] == count and kind in {
                "text": ("text_delta",), "thinking": ("thinking_delta", "signature_delta"),
                "tool_use": ("input_json_delta",)}[block["type"]], event)
            arguments += event["delta"].get("partial_json", "")
        elif name == "content_block_stop":
            demand(block is not None and event["index"] == count, event)
            if block["type"] == "tool_use":
                calls.append((None, block["name"], arguments))
            block, count = None, count + 1
        elif name == "message_delta":
            demand(state == "message" and block is None, event)
            reason = event["delta"]["stop_reason"]
            demand(reason in ("end_turn", "max_tokens", "tool_use", "stop_sequence") and event["usage"]["output_tokens"] > 0, event)
            state = "delta"
        else:
            demand(name == "message_stop" and state == "delta", event)
            state = "end"
    demand(state == "end", f"the stream ends in the state {state}")
    demand((reason == "tool_use") == bool(calls) or reason == "max_tokens", (reason, calls))
    return [(None, name, arguments_of(arguments, reason == "max_tokens")) for _, name, arguments in calls]


def responses(text):
    """Codex: items come whole with output_item.done, and the stream ends with response.completed and its usage."""
    calls, open_item, last, finished = [], None, None, []
    for number, (name, data) in enumerate(server_sent(text)):
        event = last = json.loads(data)
        demand(name == event["type"] and event["sequence_number"] == number, event)
        demand(number > 1 or name == ("response.created", "response.in_progress")[number], event)
        if name == "response.output_item.added":
            demand(open_item is None and event["output_index"] == len(finished), event)
            open_item = event["item"]
        elif name == "response.output_item.done":
            item = event["item"]
            demand(open_item and (item["id"], item["type"]) == (open_item["id"], open_item["type"]), event)
            open_item = None
            finished.append(item)
            if item["type"] == "function_call":
                demand(item["status"] in ("completed", "incomplete"), item)
                calls.append((item.get("namespace"), item["name"], arguments_of(item["arguments"], item["status"] == "incomplete")))
            elif item["type"] == "custom_tool_call":
                calls.append((item.get("namespace"), item["name"], item["input"]))
            elif item["type"] == "reasoning":
                demand(isinstance(item["summary"], list) and isinstance(item["encrypted_content"], str), item)
            elif item["type"] == "compaction":
                demand(item["encrypted_content"] and last["type"] == "response.output_item.done", item)
            else:
                demand(item["type"] == "message" and item["role"] == "assistant"
                       and all(part["type"] == "output_text" for part in item["content"]), item)
        elif "item_id" in event:
            demand(open_item and event["item_id"] == open_item["id"] and event["output_index"] == len(finished), event)
    demand(last and last["type"] in ("response.completed", "response.incomplete"), last)
    response = last["response"]
    usage = response["usage"]
    demand(response["id"].startswith("resp_") and usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
           and usage["input_tokens_details"]["cached_tokens"] >= 0 and usage["output_tokens_details"]["reasoning_tokens"] >= 0,
           response)
    demand([item["id"] for item in response["output"]] == [item["id"] for item in finished], response["output"])
    return calls


def chat(text):
    """The AI SDK and Zed: a call begins with id, type and name; one finish reason; then usage without choices; then [DONE]."""
    calls, reasons, usage, done = {}, [], None, False
    for name, data in server_sent(text):
        demand(name is None and not done, data)
        if data == "[DONE]":
            done = True
            continue
        chunk = json.loads(data)
        demand(chunk["object"] == "chat.completion.chunk" and isinstance(chunk["id"], str) and "error" not in chunk, chunk)
        usage = chunk.get("usage") or usage
        demand(len(chunk["choices"]) == 1 or usage, chunk)
        for choice in chunk["choices"]:
            delta = choice["delta"]
            demand(not reasons and choice["index"] == 0 and delta.get("role", "assistant") == "assistant", chunk)
            demand(isinstance(delta.get("content") or "", str) and isinstance(delta.get("reasoning_content") or "", str), chunk)
            for call in delta.get("tool_calls", []):
                if call["index"] not in calls:
                    demand(call["index"] == len(calls) and call["id"] and call["type"] == "function" and call["function"]["name"], call)
                    calls[call["index"]] = [call["function"]["name"], ""]
                calls[call["index"]][1] += call["function"].get("arguments") or ""
            reasons += [choice["finish_reason"]] if choice["finish_reason"] else []
    demand(done and len(reasons) == 1, reasons)
    demand(usage and usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], usage)
    demand((reasons[0] == "tool_calls") == bool(calls) or reasons[0] == "length", (reasons, calls))
    return [(None, name, arguments_of(arguments, reasons[0] == "length")) for name, arguments in calls.values()]


def ollama(text):
    """Zed with Ollama's provider: a line is an object, only the last one is done, and it has the counts."""
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    demand([line["done"] for line in lines] == [False] * (len(lines) - 1) + [True], lines[-1])
    demand(all(line["message"]["role"] == "assistant" and isinstance(line["message"]["content"], str) for line in lines), lines)
    demand(lines[-1]["eval_count"] > 0 and lines[-1]["prompt_eval_count"] > 0, lines[-1])
    return [(None, call["function"]["name"], call["function"]["arguments"])
            for line in lines for call in line["message"].get("tool_calls", [])]


PARSERS = {"messages": messages, "responses": responses, "chat": chat, "ollama": ollama}


def play(client, request):
    """Sends a request of a client, and checks the response."""
    name = f"{client}: {request['name']}"
    if "modelOf" in request:
        tags = json.loads(send({"method": "GET", "path": request["modelOf"], "headers": {}})[1])
        request["body"]["model"] = tags["models"][0]["name"]
    response, text = send(request)
    check(name, response.status == 200, text)
    warnings = response.headers.get("X-Martlet-Warnings") or ""
    check(f"{name}: every field is known", "unknown field" not in warnings, warnings)
    for tool in request.get("leftOut", []):
        check(f"{name}: the header names {tool}", tool in warnings, warnings)
    if not request["stream"]:
        check(f"{name}: an object", isinstance(json.loads(text), dict), text)
        return
    try:
        calls = PARSERS[request["stream"]](text)
    except (Broken, KeyError, ValueError, TypeError) as error:
        check(f"{name}: the stream", False, f"{error!r}\n{text[-4000:]}")
    for kind in request.get("items", []):
        check(f"{name}: an item of type {kind}", f'"type":"{kind}"' in text, text[-2000:])
    if "calls" in request:
        wanted = (request.get("namespace"), request["calls"])
        check(f"{name}: calls {request['calls']}", calls and all(call[:2] == wanted for call in calls), calls)
    else:
        check(f"{name}: the stream", True)


for path in sorted(FOLDER.glob("*.json")):
    if len(sys.argv) <= 2 or path.stem in sys.argv[2:]:
        recording = json.loads(path.read_text())
        for request in recording["requests"]:
            play(recording["client"], request)
finish()
