"""Talks to a running server through OpenAI's unmodified Python client.

usage: openai_sdk.py BASE_URL      (BASE_URL ends in /v1)
Prints one line per check; exits 1 at the first that fails.
"""
import asyncio
import enum
import json
import sys
import typing

import openai
import pydantic

BASE_URL = sys.argv[1]
QUESTION = [{"role": "user", "content": "What is 12 + 30?"}]


def check(name, condition, detail=""):
    if not condition:
        print(f"FAILED {name}: {detail}")
        sys.exit(1)
    print(f"ok {name}")


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
    banned = chat(client, logit_bias={"42": -100, "5": 1})
    check("biases are taken", banned.choices[0].message.content is not None, banned)


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
    unique = {"type": "json_schema", "json_schema": {"name": "u", "schema": {
        "type": "object", "properties": {"u": {"type": "array", "maxItems": 2, "uniqueItems": True,
                                               "items": {"type": "string", "maxLength": 2}}},
        "required": ["u"], "additionalProperties": False}}}
    try:
        chat(client, response_format=unique)
        check("a keyword that cannot be honoured is refused", False)
    except openai.BadRequestError as error:
        check("a keyword that cannot be honoured is refused",
              (error.code, error.body["pointer"], error.body["keyword"]) ==
              ("invalid_schema", "#/properties/u", "uniqueItems"), error.body)
    relaxed = chat(client, response_format=unique, extra_body={
        "schema_mode": "relaxed", "chat_template_kwargs": {"enable_thinking": False}})
    check("or left out and told", "uniqueItems" in relaxed.warnings[0] and "u" in json.loads(
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
    raised(openai.BadRequestError, "an unknown sampler", "top_n_sigma", extra_body={"samplers": ["magic"]})
    raised(openai.BadRequestError, "an unknown token", "999999", logit_bias={"999999": 1})
    raised(openai.BadRequestError, "top_logprobs alone", "logprobs", top_logprobs=2)
    raised(openai.BadRequestError, "an empty list", "messages", messages=[])
    raised(openai.BadRequestError, "an unknown role", "robot", messages=[{"role": "robot", "content": "x"}])
    raised(openai.NotFoundError, "an unknown model", "no-such-model", model="no-such-model")
    raised(openai.BadRequestError, "a prompt that is too long", "n_prompt_tokens",
           messages=[{"role": "user", "content": "word " * 20_000}])
    raised(openai.BadRequestError, "a prompt that is too long, streamed", "n_prompt_tokens", stream=True,
           messages=[{"role": "user", "content": "word " * 20_000}])


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
probabilities(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
structured(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
errors(openai.OpenAI(base_url=BASE_URL, api_key="none", max_retries=0))
asyncio.run(asynchronous(openai.AsyncOpenAI(base_url=BASE_URL, api_key="none", max_retries=0)))
print("all checks passed")
