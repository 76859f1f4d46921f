"""Talks to a running server through OpenAI's unmodified Python client.

usage: openai_sdk.py BASE_URL      (BASE_URL ends in /v1)
Prints one line per check; exits 1 at the first that fails.
"""
import asyncio
import enum
import json
import pathlib
import sys
import typing

import openai
import pydantic

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Clients"))

from checking import check  # noqa: E402

BASE_URL = sys.argv[1]
QUESTION = [{"role": "user", "content": "What is 12 + 30?"}]


def chat(client, **fields):
    return client.chat.completions.create(
        **{"model": "fledgling", "messages": QUESTION, "temperature": 0, "max_tokens": 200, **fields})


def joined(chunks):
    content, reasoning, finish, usage = "", "", None, None
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            content += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            finish = choice.finish_reason or finish
    return content, reasoning, finish, usage


def synchronous(client):
    models = client.models.list()
    check("models are listed", [model.id for model in models] == ["fledgling"], models)

    other = chat(client, model="another-model")
    check("the one model answers under its own name", other.model == "fledgling", other)
    whole = chat(client)
    message = whole.choices[0].message
    check("an answer", "42" in message.content, message)
    check("its reasoning is apart", message.reasoning_content and "<think>" not in message.content, message)
    check("it ends by itself", whole.choices[0].finish_reason == "stop", whole)
    check("usage adds up", whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens)
    check("ids are chat ids", whole.id.startswith("chatcmpl-") and len(whole.id) >= 30, whole.id)

    content, reasoning, finish, usage = joined(chat(client, stream=True, stream_options={"include_usage": True}))
    check("streaming equals not streaming", (content, reasoning) == (message.content, message.reasoning_content), content)
    check("a stream has a finish reason", finish == "stop", finish)
    check("a stream has usage", usage.completion_tokens == whole.usage.completion_tokens, usage)

    plain = chat(client, extra_body={"chat_template_kwargs": {"enable_thinking": False}})
    check("thinking can be switched off", not getattr(plain.choices[0].message, "reasoning_content", None), plain)

    cut = chat(client, max_tokens=3)
    check("a limit is length", cut.choices[0].finish_reason == "length" and cut.usage.completion_tokens == 3, cut)

    stopped = chat(client, stop=["2"], extra_body={"chat_template_kwargs": {"enable_thinking": False}})
    check("a stop text is not part of the answer", "2" not in stopped.choices[0].message.content, stopped)

    first = chat(client, temperature=1.5, seed=5).choices[0].message
    second = chat(client, temperature=1.5, seed=5).choices[0].message
    check("a seed reproduces", first == second, (first, second))

    text = client.completions.create(
        model="fledgling", prompt="<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", max_tokens=5, temperature=0)
    check("a text completion", text.object == "text_completion" and text.usage.completion_tokens == 5, text)
    streamed = client.completions.create(
        model="fledgling", prompt="<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", max_tokens=5, temperature=0,
        stream=True)
    check("a text completion streams the same", "".join(c.choices[0].text for c in streamed if c.choices) == text.choices[0].text)


def choices(client):
    three = chat(client, n=3, temperature=1.2, seed=11, max_tokens=40)
    check("three choices", [choice.index for choice in three.choices] == [0, 1, 2], three)
    check("usage counts the prompt once", three.usage.completion_tokens > three.usage.prompt_tokens // 2, three.usage)
    streamed = {0: "", 1: "", 2: ""}
    ends = []
    for chunk in chat(client, n=3, temperature=1.2, seed=11, max_tokens=40, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += (choice.delta.content or "") + (
                getattr(choice.delta, "reasoning_content", None) or "")
            ends += [choice.index] if choice.finish_reason else []
    whole = {c.index: (getattr(c.message, "reasoning_content", None) or "") + c.message.content for c in three.choices}
    check("streams interleave with their index", streamed == whole, (streamed, whole))
    check("each choice ends once", sorted(ends) == [0, 1, 2], ends)
    first = chat(client, temperature=1.2, seed=11, max_tokens=40).choices[0].message
    check("the first choice is the answer alone", first == three.choices[0].message, first)
    prompts = ["<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", "Count: 1 2 3"]
    several = client.completions.create(model="fledgling", prompt=prompts, max_tokens=6, temperature=0, n=2, echo=True)
    check("n answers to each prompt", [c.index for c in several.choices] == [0, 1, 2, 3], several)
    check("in their order", [c.text.startswith(prompts[c.index // 2]) for c in several.choices] == [True] * 4, several)
    alone = client.completions.create(model="fledgling", prompt=prompts[1], max_tokens=6, temperature=0, echo=True)
    check("as alone", alone.choices[0].text == several.choices[2].text, (alone, several))


def probabilities(client):
    whole = chat(client, logprobs=True, top_logprobs=3)
    content = whole.choices[0].logprobs.content
    check("every token has a logprob", len(content) == whole.usage.completion_tokens, len(content))
    check("the greedy token is the likeliest", all(t.top_logprobs[0].logprob == t.logprob for t in content), content[0])
    check("as many others as asked for", all(len(t.top_logprobs) == 3 for t in content), content[0])
    streamed = []
    for chunk in chat(client, logprobs=True, top_logprobs=3, stream=True):
        for choice in chunk.choices:
            streamed += choice.logprobs.content if choice.logprobs else []
    check("a stream has the same logprobs", streamed == content, (len(streamed), len(content)))
    text = client.completions.create(
        model="fledgling", prompt="<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", max_tokens=5, temperature=0,
        logprobs=2)
    told = text.choices[0].logprobs
    check("a text completion has logprobs", "".join(told.tokens) == text.choices[0].text, told)
    check("and their offsets", told.text_offset[0] == 0 and len(told.text_offset) == len(told.token_logprobs) == 5, told)
    prompt = "<|im_start|>user\nTell Zoë of 日本<|im_end|>\n<|im_start|>assistant\n"
    asked = {"model": "fledgling", "prompt": prompt, "max_tokens": 5, "temperature": 0, "echo": True, "logprobs": 2}
    whole = client.completions.create(**asked).choices[0]
    told = whole.logprobs
    check("an echo has the prompt and its logprobs", whole.text.startswith(prompt), whole.text)
    check("of every token", len(told.token_logprobs) == len(told.tokens) == len(told.text_offset) > 10, told)
    check("the first has none", told.token_logprobs[0] is None and None not in told.token_logprobs[1:], told)
    check("offsets are within the text", all(whole.text[o:].startswith(t) for o, t in zip(told.text_offset, told.tokens)
                                             if "\ufffd" not in t), told)
    parts = [c.choices[0] for c in client.completions.create(**asked, stream=True) if c.choices]
    check("a stream tells the same", "".join(p.text for p in parts) == whole.text, parts)
    check("with the same logprobs", [v for p in parts if p.logprobs for v in p.logprobs.token_logprobs]
          == told.token_logprobs, parts)
    scored = client.completions.create(**asked | {"max_tokens": 0}).choices[0]
    count = len(scored.logprobs.tokens)
    check("a prompt can be scored alone", scored.text == prompt and scored.logprobs.token_logprobs
          == told.token_logprobs[:count], scored)
    banned = chat(client, logit_bias={"42": -100, "5": 1})
    check("biases are taken", banned.choices[0].message.content is not None, banned)


def function(name, argument, kind="string"):
    return {"type": "function", "function": {
        "name": name, "description": f"{name.replace('_', ' ').capitalize()}.",
        "parameters": {"type": "object", "properties": {argument: {"type": kind}}, "required": [argument]}}}


WEATHER, TIMER = function("get_weather", "city"), function("set_timer", "minutes", "integer")


def assembled(chunks):
    """The message that a stream's chunks fold to."""
    content, reasoning, calls, finish = "", "", [], None
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        content += choice.delta.content or ""
        reasoning += getattr(choice.delta, "reasoning_content", None) or ""
        finish = choice.finish_reason or finish
        for call in choice.delta.tool_calls or []:
            if call.id:
                calls.append([call.id, call.function.name, ""])
            calls[call.index][2] += call.function.arguments or ""
    return content, reasoning, [call[1:] for call in calls], finish


def called(answer):
    return [[call.function.name, call.function.arguments] for call in answer.choices[0].message.tool_calls or []]


def tools(client):
    question = [{"role": "user", "content": "What is the weather in Oslo?"}]
    whole = chat(client, messages=question, tools=[WEATHER, TIMER])
    message = whole.choices[0].message
    names = [(name, json.loads(arguments)) for name, arguments in called(whole)]
    check("auto: the tool that fits is called", names == [("get_weather", {"city": "Oslo"})], whole)
    check("auto: the finish reason says so", whole.choices[0].finish_reason == "tool_calls", whole)
    check("auto: no text beside the call", not message.content and "tool_call" not in message.reasoning_content, message)
    content, reasoning, calls, finish = assembled(chat(client, messages=question, tools=[WEATHER, TIMER], stream=True))
    check("a stream has the same calls", calls == called(whole), calls)
    check("and the same rest", (content, reasoning, finish) == ("", message.reasoning_content, "tool_calls"), reasoning)

    answered = question + [message.model_dump(exclude_none=True), {
        "role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "{\"temperature\": 7}"}]
    result = chat(client, messages=answered, tools=[WEATHER, TIMER])
    check("the result is told", "7" in result.choices[0].message.content, result)
    check("and nothing else is called", result.choices[0].finish_reason == "stop", result)

    two = chat(client, tools=[WEATHER, TIMER], messages=[
        {"role": "user", "content": "What is the weather in Oslo and set a timer for 5 minutes."}])
    check("two calls have two ids", len({call.id for call in two.choices[0].message.tool_calls or []}) == 2, two)
    one = chat(client, tools=[WEATHER, TIMER], parallel_tool_calls=False, messages=[
        {"role": "user", "content": "What is the weather in Oslo and set a timer for 5 minutes."}])
    check("one at a time where that is asked for", len(called(one)) == 1, one)

    hello = [{"role": "user", "content": "Hello"}]
    free = chat(client, messages=hello, tools=[WEATHER])
    check("none fits: an answer", free.choices[0].finish_reason == "stop" and free.choices[0].message.content, free)
    forced = chat(client, messages=hello, tools=[WEATHER, TIMER], tool_choice="required", max_tokens=400)
    check("required: there is a call", called(forced) and forced.choices[0].finish_reason == "tool_calls", forced)
    named = chat(client, messages=hello, tools=[WEATHER, TIMER], max_tokens=400,
                 tool_choice={"type": "function", "function": {"name": "set_timer"}})
    check("named: that tool is called", [name for name, _ in called(named)] == ["set_timer"], named)
    check("its arguments are an object", isinstance(json.loads(called(named)[0][1]), dict), named)
    never = chat(client, messages=question, tools=[WEATHER], tool_choice="none")
    check("none: no call", not never.choices[0].message.tool_calls, never)
    plain = chat(client, messages=hello, tools=[WEATHER], tool_choice="required", max_tokens=400,
                 extra_body={"chat_template_kwargs": {"enable_thinking": False}})
    check("required without thinking", [name for name, _ in called(plain)] == ["get_weather"], plain)

    cut = chat(client, messages=question, tools=[WEATHER], max_tokens=5)
    check("a limit is a limit", cut.choices[0].finish_reason == "length", cut)
    scored = chat(client, messages=question, tools=[WEATHER], logprobs=True, top_logprobs=1)
    check("with logprobs the calls are the same", called(scored) == called(chat(client, messages=question, tools=[WEATHER])))
    check("every token is told", len(scored.choices[0].logprobs.content) == scored.usage.completion_tokens, scored.usage)
    many = [{"type": "function", "function": {"name": f"tool_{number}", "parameters": {"type": "object", "properties": {}}}}
            for number in range(100)]
    hundred = chat(client, messages=hello, tools=many, tool_choice={
        "type": "function", "function": {"name": "tool_73"}}, max_tokens=600,
                   extra_body={"chat_template_kwargs": {"enable_thinking": False}})
    check("one of a hundred", [name for name, _ in called(hundred)] == ["tool_73"], hundred)

    begun = chat(client, messages=hello + [{"role": "assistant", "content": "I am"}])
    check("an answer is gone on with", not begun.choices[0].message.content.startswith("I am"), begun)


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Part(pydantic.BaseModel):
    name: typing.Annotated[str, pydantic.Field(max_length=8)]
    colour: Colour
    size: typing.Annotated[int, pydantic.Field(ge=1, le=20)]


class Thing(pydantic.BaseModel):
    title: typing.Annotated[str, pydantic.Field(max_length=12)]
    parts: typing.Annotated[list[Part], pydantic.Field(max_length=2)]
    main: typing.Optional[Part]


def structured(client):
    for seed in range(4):
        parsed = client.chat.completions.parse(
            model="fledgling", messages=QUESTION, response_format=Thing, temperature=1, seed=seed, max_tokens=600,
            extra_body={"chat_template_kwargs": {"enable_thinking": False}})
        choice = parsed.choices[0]
        check(f"a model is parsed ({seed})", choice.finish_reason == "stop" and isinstance(choice.message.parsed, Thing),
              choice)
        order = list(json.loads(choice.message.content))
        check("in the order of the schema", order == ["title", "parts", "main"], order)
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"],
              "additionalProperties": False}
    named = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    thought = chat(client, response_format=named, max_tokens=400).choices[0]
    check("the schema holds after thinking", list(json.loads(thought.message.content)) == ["answer"], thought)
    check("thinking comes before it", thought.message.reasoning_content, thought)
    plain = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
    content, _, _, _ = joined(chat(client, response_format=named, stream=True, **plain))
    check("a stream keeps to the schema", list(json.loads(content)) == ["answer"], content)
    def behind(**more):
        return {"type": "json_schema", "json_schema": {"name": "u", **more, "schema": {
            "type": "object", "properties": {"u": {"type": "string", "maxLength": 2, "pattern": "(?<=a)b"}},
            "required": ["u"], "additionalProperties": False}}}

    try:
        chat(client, response_format=behind(strict=True))
        check("a keyword that cannot be honoured is refused", False)
    except openai.BadRequestError as error:
        check("a keyword that cannot be honoured is refused",
              (error.code, error.body["pointer"], error.body["keyword"]) ==
              ("invalid_schema", "#/properties/u", "pattern"), error.body)
    relaxed = chat(client, response_format=behind(), **plain)
    check("or left out and told", "pattern" in relaxed.warnings[0] and "u" in json.loads(
        relaxed.choices[0].message.content), relaxed)


def errors(client):
    def raised(kind, name, part, **fields):
        try:
            chat(client, **fields)
        except kind as error:
            check(name, part in f"{error} {error.body}", error.body)
        else:
            check(name, False, "nothing was raised")

    raised(openai.BadRequestError, "a bad value", "temperature", temperature="hot")
    odd = chat(client, logit_bias={"999999": 1}, extra_body={"samplers": ["magic", "top_k"]})
    for name in ("magic", "999999"):
        check("a warning names " + name, any(name in warning for warning in odd.warnings), odd)
    raised(openai.BadRequestError, "top_logprobs alone", "logprobs", top_logprobs=2)
    raised(openai.BadRequestError, "an empty list", "messages", messages=[])
    raised(openai.BadRequestError, "an unknown role", "robot", messages=[{"role": "robot", "content": "x"}])
    raised(openai.BadRequestError, "a tool twice", "tools[1].function.name", tools=[WEATHER, WEATHER])
    raised(openai.BadRequestError, "a choice of no tool", "tool_choice", tools=[WEATHER],
           tool_choice={"type": "function", "function": {"name": "rm"}})
    raised(openai.BadRequestError, "a prompt that is too long", "n_prompt_tokens",
           messages=[{"role": "user", "content": "word " * 60_000}])
    raised(openai.BadRequestError, "a prompt that is too long, streamed", "n_prompt_tokens", stream=True,
           messages=[{"role": "user", "content": "word " * 60_000}])


async def asynchronous(client):
    whole = await chat(client)
    check("async: an answer", "42" in whole.choices[0].message.content, whole)

    async def streamed():
        content = ""
        async for chunk in await chat(client, stream=True):
            for choice in chunk.choices:
                content += choice.delta.content or ""
        return content

    answers = await asyncio.gather(*(streamed() for _ in range(8)))
    check("async: eight streams at once are the same", set(answers) == {whole.choices[0].message.content}, answers)


synchronous(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
choices(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
probabilities(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
tools(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
structured(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
errors(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
asyncio.run(asynchronous(openai.AsyncOpenAI(base_url=BASE_URL, api_key="none", max_retries=0)))
print("all checks passed")
