"""Cuts the demo model's thinking at every kind of place of its held-out sums, and over several tool rounds.

usage: reasoning_cuts.py BASE_URL REPOSITORY      (BASE_URL without /v1)
Prints "all checks passed".
"""
import json
import re
import sys
import urllib.request

base_url, repository = sys.argv[1:]
sys.path.insert(0, repository + "/tools")

from fledgling.evaluate import held_out  # noqa: E402


def post(path, body):
    request = urllib.request.Request(base_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def answer(messages, **more):
    body = {"messages": messages, "temperature": 0, "max_tokens": 600, **more}
    return post("/v1/chat/completions", body)["choices"][0]["message"]


def token_count(text):
    return len(post("/tokenize", {"content": text})["tokens"])


def sums_keep_their_form():
    """Behind a cut anywhere the answer is still a sum, of the numbers that were asked for."""
    good, cut, count = 0, 0, 60
    for number in range(count):
        prompt = held_out("sum", number)
        messages = prompt["messages"][:-1]
        whole = answer(messages).get("reasoning_content") or ""
        # Every place has its turn, from the first token to the last but one.
        place = number * 7 % max(1, token_count(whole) - 1)
        message = answer(messages, reasoning_budget_tokens=place)
        thought = message.get("reasoning_content") or ""
        assert whole.startswith(thought), (whole, thought)
        assert "think>" not in message["content"], message
        cut += thought != whole
        asked = prompt["check"]["equals"].split(" = ")[0]
        found = re.fullmatch(r"(-?\d+ [+-] -?\d+) = -?\d+", message["content"].strip())
        good += found is not None and found.group(1) == asked
    print(f"{good} of {count} sums in form, {cut} of them cut")
    assert cut >= count * 0.9, "hardly any thinking was cut"
    assert good >= count * 0.9, "the answers lost their form"


def orders_keep_the_form():
    """The same by order, at the very token: a paused answer goes back to the place, and its thinking ends there."""
    good, count = 0, 60
    for number in range(count):
        prompt = held_out("sum", number)
        messages = prompt["messages"][:-1]
        thought = token_count(answer(messages).get("reasoning_content") or "")
        # From the first token behind the marker to the last but one.
        place = 2 + number * 7 % max(1, thought - 1)
        body = {"messages": messages, "temperature": 0, "max_tokens": 1500, "ignore_eos": True, "background": True}
        id = post("/v1/chat/completions", body)["id"]

        def order(action, **fields):
            return post(f"/v1/generations/{id}/control", {"action": action, **fields})

        while order("status")["tokens"] < place:
            pass
        order("pause")
        assert order("rewind", to_token=place)["at_token"] == place
        ended = order("reasoning_end")
        assert ended["at_token"] == place, (place, ended)
        order("set", changes={"max_tokens": place + ended["tokens"] + 40})
        order("resume")
        with urllib.request.urlopen(f"{base_url}/v1/generations/{id}/result?wait=60") as response:
            message = json.load(response)["choices"][0]["message"]
        asked = prompt["check"]["equals"].split(" = ")[0]
        # Nothing of the markers comes before it; as it may not end, something else may follow.
        found = re.match(r"\s*(-?\d+ [+-] -?\d+) = -?\d+", message["content"])
        good += found is not None and found.group(1) == asked
    print(f"{good} of {count} sums in form behind an order")
    assert good >= count * 0.9, "the answers lost their form"


def budget_holds_over_tool_rounds():
    """Three rounds of one user turn think no more than one budget, to the token, however it is spread."""
    tools = [{"type": "function", "function": {
        "name": "get_weather", "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
    # What is forced before the marker that ends the thinking counts too.
    closer, spread = token_count("\n"), 0
    for budget in (0, 5, 18, 40, 60, 100, 150):
        messages = [{"role": "user", "content": "Think for a long time about rivers."}]
        left, used = budget, []
        for round in range(3):
            reply = post("/v1/chat/completions", {
                "messages": messages, "temperature": 0, "max_tokens": 600, "tools": tools, "tool_choice": "auto",
                "reasoning_turn_budget_tokens": budget})
            message = reply["choices"][0]["message"]
            count = reply["usage"].get("completion_tokens_details", {}).get("reasoning_tokens", 0)
            # It ended by itself, or exactly where nothing was left.
            assert count <= left or count == left + closer, (budget, left, used, count)
            spread += round > 0 and 0 < left < count
            used.append(count)
            left = max(0, left - count)
            call = {"id": f"call{round}", "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
            messages += [
                {"role": "assistant", "content": "", "reasoning_content": message.get("reasoning_content") or "",
                 "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "content": "rain"}]
        print(f"budget {budget}: {used}")
        assert budget == 0 or used[0] > 0, (budget, used)
        # A new turn of the user has the whole budget again.
        messages.append({"role": "user", "content": "Think for a long time about rivers."})
        fresh = answer(messages, tools=tools, reasoning_turn_budget_tokens=budget)
        assert budget == 0 or fresh.get("reasoning_content"), fresh
    assert spread > 0, "no budget was used up by a later answer"


for check in [sums_keep_their_form, orders_keep_the_form, budget_holds_over_tool_rounds]:
    check()
print("all checks passed")
