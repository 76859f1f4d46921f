"""Talks to a running server through Anthropic's and OpenAI's unmodified Python clients: Messages and Responses.

usage: dialects_sdk.py BASE_URL      (BASE_URL has no /v1)
Prints one line per check; exits 1 at the first that fails.
"""
import json
import pathlib
import sys

import anthropic
import openai

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Clients"))

from checking import check, refused  # noqa: E402

BASE_URL = sys.argv[1]
SUM = "What is 12 + 30?"
WEATHER = "What is the weather in Oslo?"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def blocks(message):
    return [block.model_dump(exclude_none=True) for block in message.content]


# Messages

def messages(client):
    def ask(**fields):
        return {"model": "claude-any", "max_tokens": 300, "extra_body": {"temperature": 0},
                "messages": [{"role": "user", "content": SUM}], **fields}

    plain = client.messages.create(**ask())
    check("an answer", [block.type for block in plain.content] == ["text"] and "42" in plain.content[0].text, plain)
    check("it ends its turn", (plain.type, plain.role, plain.stop_reason) == ("message", "assistant", "end_turn"), plain)
    check("the id is a message's", plain.id.startswith("msg_"), plain.id)

    thinking = {"type": "enabled", "budget_tokens": 200}
    whole = client.messages.create(**ask(thinking=thinking))
    check("thinking comes first", [block.type for block in whole.content] == ["thinking", "text"], whole)
    check("and is signed", whole.content[0].signature and "42" in whole.content[1].text, whole)
    with client.messages.stream(**ask(thinking=thinking)) as stream:
        names = [event.type for event in stream]
        final = stream.get_final_message()
    check("a stream is the message", blocks(final) == blocks(whole), (final, whole))
    check("with its end and counts", (final.stop_reason, final.usage.output_tokens) == (
        whole.stop_reason, whole.usage.output_tokens), final)
    check("its events are in order", names[0] == "message_start" and names[-1] == "message_stop"
          and names.count("content_block_start") == names.count("content_block_stop") == 2, names)

    history = ask()["messages"] + [{"role": "assistant", "content": blocks(whole)}, {"role": "user", "content": "Hello"}]
    again = client.messages.create(**ask(messages=history, thinking=thinking))
    check("thinking may be sent back", again.content and not (again.model_extra or {}).get("warnings"), again)

    cut = client.messages.create(**ask(max_tokens=3))
    check("a limit is max_tokens", (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 3), cut)
    stopped = client.messages.create(**ask(stop_sequences=["2"]))
    check("a stop sequence is named", (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "2"), stopped)
    check("and is no part of the text", all("2" not in block.text for block in stopped.content), stopped)

    count = client.messages.count_tokens(model="claude-any", messages=ask()["messages"], system="Be brief.")
    counted = client.messages.create(**ask(system="Be brief."))
    usage = counted.usage
    check("counted tokens are the prompt's", count.input_tokens == usage.input_tokens + usage.cache_read_input_tokens,
          (count, usage))
    beta = client.beta.messages.create(**ask(betas=["interleaved-thinking-2025-05-14"]))
    check("the beta route answers", beta.content[0].text == plain.content[0].text, beta)
    check("the same prompt is cached", beta.usage.cache_read_input_tokens > 0, beta.usage)

    bad = refused("a missing limit is refused", anthropic.BadRequestError, lambda: client.post(
        "/v1/messages", cast_to=object, body={"model": "m", "messages": ask()["messages"]}))
    check("in Anthropic's form", bad.body["type"] == "error" and bad.body["error"]["type"] == "invalid_request_error"
          and "max_tokens" in bad.body["error"]["message"], bad.body)


def message_tools(client):
    tools = [{"name": "get_weather", "description": "Get weather.", "input_schema": CITY}]
    ask = {"model": "claude-any", "max_tokens": 300, "extra_body": {"temperature": 0}, "tools": tools,
           "messages": [{"role": "user", "content": WEATHER}]}
    whole = client.messages.create(**ask)
    call = whole.content[-1]
    check("a tool is used", (call.type, call.name, call.input, whole.stop_reason) == (
        "tool_use", "get_weather", {"city": "Oslo"}, "tool_use"), whole)
    with client.messages.stream(**ask) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    check("its input streams", json.loads("".join(pieces)) == call.input and len(pieces) > 1, pieces)
    check("to the same message", [b | {"id": 0} for b in blocks(final)] == [b | {"id": 0} for b in blocks(whole)], final)
    ask["messages"] += [{"role": "assistant", "content": blocks(whole)}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "{\"temperature\": 7}"}]}]}]
    result = client.messages.create(**ask)
    check("its result is told", "7" in result.content[-1].text and result.stop_reason == "end_turn", result)
    forced = client.messages.create(**ask | {"messages": [{"role": "user", "content": "Hello"}],
                                             "tool_choice": {"type": "tool", "name": "get_weather"}})
    check("a tool can be required", forced.content[-1].type == "tool_use", forced)
    refused("a result without a call is refused", anthropic.BadRequestError, lambda: client.messages.create(**ask | {
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}]}]}))


# Responses

def responses(client):
    def ask(**fields):
        return client.responses.create(
            **{"model": "gpt-any", "temperature": 0, "max_output_tokens": 300, "input": SUM, **fields})

    whole = ask()
    check("a response", whole.status == "completed" and "42" in whole.output_text, whole)
    check("its items", [item.type for item in whole.output] == ["reasoning", "message"], whole)
    usage = whole.usage
    check("usage adds up", usage.total_tokens == usage.input_tokens + usage.output_tokens
          and usage.output_tokens_details.reasoning_tokens > 0, usage)
    with client.responses.stream(model="gpt-any", temperature=0, max_output_tokens=300, input=SUM) as stream:
        events = list(stream)
        final = stream.get_final_response()
    check("a stream is the response", final.output_text == whole.output_text
          and [item.type for item in final.output] == [item.type for item in whole.output], final)
    check("its numbers have no gap", [event.sequence_number for event in events] == list(range(len(events))), events[-1])
    check("it begins and ends", (events[0].type, events[1].type, events[-1].type) == (
        "response.created", "response.in_progress", "response.completed"), events[-1])

    cut = ask(max_output_tokens=3)
    check("a limit is incomplete", (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens"), cut)
    form = {"type": "json_schema", "name": "sum", "strict": True, "schema": {
        "type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"], "additionalProperties": False}}
    parsed = json.loads(ask(text={"format": form}, reasoning={"effort": "none"}).output_text)
    check("a format is enforced", list(parsed) == ["sum"] and isinstance(parsed["sum"], int), parsed)

    count = client.responses.input_tokens.count(model="gpt-any", input=SUM)
    check("input tokens are counted", count.input_tokens == usage.input_tokens, (count, usage))

    stored = client.responses.retrieve(whole.id)
    check("a response is stored", stored.output_text == whole.output_text and stored.id == whole.id, stored)
    items = client.responses.input_items.list(whole.id)
    check("with its input", items.data[0].content[0].text == SUM, items)
    second = ask(input="Hello", previous_response_id=whole.id)
    texts = ask(input=[{"role": "user", "content": SUM}] + [item.model_dump(exclude_none=True) for item in whole.output]
                + [{"role": "user", "content": "Hello"}])
    check("a chain is the history", second.output_text == texts.output_text
          and second.usage.input_tokens == texts.usage.input_tokens, (second, texts))
    check("and says what it continues", second.previous_response_id == whole.id, second)
    client.responses.delete(whole.id)
    refused("a deleted response is gone", openai.NotFoundError, lambda: client.responses.retrieve(whole.id))
    refused("and cannot be continued", openai.BadRequestError, lambda: ask(previous_response_id=whole.id))
    hidden = ask(store=False)
    refused("store: false stores nothing", openai.NotFoundError, lambda: client.responses.retrieve(hidden.id))


def response_tools(client):
    tools = [{"type": "function", "name": "get_weather", "description": "Get weather.", "parameters": CITY, "strict": True},
             {"type": "web_search"}]
    ask = {"model": "gpt-any", "temperature": 0, "max_output_tokens": 300, "tools": tools}
    whole = client.responses.create(**ask, input=WEATHER)
    call = whole.output[-1]
    check("a function is called", (call.type, call.name, json.loads(call.arguments)) == (
        "function_call", "get_weather", {"city": "Oslo"}), whole)
    result = client.responses.create(**ask, previous_response_id=whole.id, input=[
        {"type": "function_call_output", "call_id": call.call_id, "output": "{\"temperature\": 7}"}])
    check("its result is told", "7" in result.output_text, result)
    refused("an output without a call is refused", openai.BadRequestError, lambda: client.responses.create(**ask, input=[
        {"type": "function_call_output", "call_id": "c9", "output": "x"}]))
    custom = client.responses.create(
        **ask | {"tools": [{"type": "custom", "name": "run_code", "description": "Run code."}], "max_output_tokens": 400},
        input="Hello", tool_choice={"type": "custom", "name": "run_code"})
    check("a custom tool gets a text", custom.output[-1].type == "custom_tool_call"
          and isinstance(custom.output[-1].input, str), custom)


def background(client):
    begun = client.responses.create(model="gpt-any", temperature=0, input=SUM, background=True, stream=True)
    events = []
    for event in begun:
        events.append(event)
        if len(events) == 5:
            break
    begun.close()
    rest = list(client.responses.retrieve(events[0].response.id, stream=True, starting_after=events[-1].sequence_number))
    numbers = [event.sequence_number for event in events + rest]
    check("a background stream continues behind a number", numbers == list(range(len(numbers))), numbers)
    check("to its end", rest[-1].type == "response.completed" and "42" in rest[-1].response.output_text, rest[-1])
    long = client.responses.create(model="gpt-any", input=SUM, background=True, extra_body={"ignore_eos": True})
    check("a background response is created at once", long.status in ("queued", "in_progress"), long)
    refused("a running response cannot be continued", openai.ConflictError, lambda: client.with_options(
        max_retries=0).responses.create(model="gpt-any", input="Hello", previous_response_id=long.id))
    ended = client.responses.cancel(long.id)
    check("and can be cancelled", ended.status == "cancelled", ended)
    check("twice", client.responses.cancel(long.id).status == "cancelled")


messages_client = anthropic.Anthropic(base_url=BASE_URL, api_key="none", max_retries=0)
messages(messages_client)
message_tools(messages_client)
responses_client = openai.OpenAI(base_url=BASE_URL + "/v1", api_key="none", max_retries=0)
responses(responses_client)
response_tools(responses_client)
background(responses_client)
print("all checks passed")
