"""huggingface_hub: InferenceClient with chat, streams, tools, formats, text generation and features."""
import asyncio
import json

from checking import BASE_URL, CITY, OPENAI_URL, SUM, WEATHER, check, finish, model_name
from huggingface_hub import AsyncInferenceClient, InferenceClient

MODEL = model_name()
QUESTION = [{"role": "user", "content": SUM}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Get weather.", "parameters": CITY}}
ASK = {"model": MODEL, "temperature": 0, "max_tokens": 300}

for name, client in (("base URL", InferenceClient(base_url=OPENAI_URL, api_key="none")),
                     ("URL of the server", InferenceClient(base_url=BASE_URL, api_key="none"))):
    whole = client.chat.completions.create(messages=QUESTION, **ASK)
    check(f"{name}: an answer", "42" in whole.choices[0].message.content and whole.usage.total_tokens > 0, whole)
parts = list(client.chat_completion(QUESTION, stream=True, stream_options={"include_usage": True}, **ASK))
text = "".join(choice.delta.content or "" for part in parts for choice in part.choices)
check("a stream is the answer", text == whole.choices[0].message.content, text)
check("with usage", any(part.usage and part.usage.completion_tokens == whole.usage.completion_tokens for part in parts))
called = client.chat_completion([{"role": "user", "content": WEATHER}], tools=[TOOL], tool_choice={
    "function": {"name": "get_weather"}, "type": "function"}, **ASK)
call = called.choices[0].message.tool_calls[0]
check("a tool", call.function.name == "get_weather" and json.loads(call.function.arguments), called)
shaped = client.chat_completion(QUESTION, response_format={"type": "json_schema", "json_schema": {
    "name": "sum", "strict": True, "schema": {"type": "object", "properties": {"sum": {"type": "integer"}},
                                              "required": ["sum"], "additionalProperties": False}}}, **ASK)
check("a schema", list(json.loads(shaped.choices[0].message.content)) == ["sum"], shaped)
scored = client.chat_completion(QUESTION, logprobs=True, top_logprobs=2, **ASK | {"max_tokens": 4})
check("logprobs", len(scored.choices[0].logprobs.content) == 4, scored)


async def at_once():
    client = AsyncInferenceClient(base_url=OPENAI_URL, api_key="none")
    async def one():
        stream = await client.chat.completions.create(messages=QUESTION, stream=True, **ASK)
        return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])
    return await asyncio.gather(*(one() for _ in range(4)))

check("four streams at once are the same", set(asyncio.run(at_once())) == {text})
finish()
