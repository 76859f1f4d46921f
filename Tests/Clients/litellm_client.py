"""litellm: Chat Completions, Responses and Messages of the server, each through litellm's own translation."""
import asyncio
import json
import os

# litellm asks GitHub for prices at its import otherwise.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from checking import BASE_URL, CITY, OPENAI_URL, SUM, WEATHER, check, finish, model_name

litellm.suppress_debug_info = True
litellm.drop_params = False
MODEL = model_name()
QUESTION = [{"role": "user", "content": SUM}]
CHAT = {"model": f"openai/{MODEL}", "api_base": OPENAI_URL, "api_key": "none", "temperature": 0, "max_tokens": 300,
        "num_retries": 0}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Get weather.", "parameters": CITY}}


def text(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


# Chat Completions
whole = litellm.completion(**CHAT, messages=QUESTION)
message = whole.choices[0].message
check("chat", "42" in message.content and whole.usage.completion_tokens > 0, whole)
check("its reasoning", message.reasoning_content, message)
parts = list(litellm.completion(**CHAT, messages=QUESTION, stream=True, stream_options={"include_usage": True}))
check("a stream is the answer", text(parts) == message.content, parts)
rebuilt = litellm.stream_chunk_builder(parts, messages=QUESTION)
check("with its reasoning and usage", rebuilt.choices[0].message.reasoning_content == message.reasoning_content
      and rebuilt.usage.completion_tokens == whole.usage.completion_tokens, rebuilt)
forced = litellm.completion(**CHAT, messages=[{"role": "user", "content": WEATHER}], tools=[TOOL], tool_choice={
    "type": "function", "function": {"name": "get_weather"}})
call = forced.choices[0].message.tool_calls[0]
check("a tool", call.function.name == "get_weather" and json.loads(call.function.arguments), forced)
parts = list(litellm.completion(**CHAT, messages=[{"role": "user", "content": WEATHER}], tools=[TOOL],
                                tool_choice="required", stream=True))
rebuilt = litellm.stream_chunk_builder(parts)
check("a tool of a stream", rebuilt.choices[0].message.tool_calls[0].function.arguments == call.function.arguments, rebuilt)
shape = {"type": "json_schema", "json_schema": {"name": "sum", "strict": True, "schema": {
    "type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"], "additionalProperties": False}}}
shaped = litellm.completion(**CHAT, messages=QUESTION, response_format=shape)
check("a schema", list(json.loads(shaped.choices[0].message.content)) == ["sum"], shaped)
try:
    litellm.completion(**CHAT | {"temperature": "hot"}, messages=QUESTION)
    check("an error", False)
except litellm.BadRequestError as error:
    check("an error", "temperature" in str(error), error)

# Text completions and embeddings
plain = litellm.text_completion(model=f"text-completion-openai/{MODEL}", api_base=OPENAI_URL, api_key="none",
                                prompt="One, two,", max_tokens=5)
check("a text completion", plain.usage.completion_tokens <= 5 and isinstance(plain.choices[0].text, str), plain)
vectors = litellm.embedding(model=f"openai/{MODEL}", api_base=OPENAI_URL, api_key="none", input=["one", "two"])
check("embeddings", len(vectors.data) == 2 and len(vectors.data[0]["embedding"]) > 8)

# Responses
ASK = {"model": f"openai/{MODEL}", "api_base": OPENAI_URL, "api_key": "none", "temperature": 0, "max_output_tokens": 300}
whole = litellm.responses(**ASK, input=SUM)
check("a response", whole.status == "completed" and [item.type for item in whole.output][-1] == "message", whole)
events = list(litellm.responses(**ASK, input=SUM, stream=True))
check("its stream", str(getattr(events[-1].type, "value", events[-1].type)) == "response.completed", events[-1])
second = litellm.responses(**ASK, input="Hello", previous_response_id=whole.id)
check("a chain", second.usage.input_tokens > whole.usage.input_tokens, second)

# Messages
NAMES = {"model": f"anthropic/{MODEL}", "api_base": BASE_URL, "api_key": "none", "temperature": 0, "max_tokens": 300}
whole = litellm.completion(**NAMES, messages=QUESTION)
check("a message", "42" in whole.choices[0].message.content and whole.choices[0].finish_reason == "stop", whole)
parts = list(litellm.completion(**NAMES, messages=QUESTION, stream=True))
check("its stream", text(parts) == whole.choices[0].message.content, parts)
thought = litellm.completion(**NAMES | {"temperature": 1, "max_tokens": 1600}, messages=QUESTION,
                             allowed_openai_params=["thinking"], thinking={"type": "enabled", "budget_tokens": 1024})
check("thinking", thought.choices[0].message.thinking_blocks[0]["signature"], thought)
forced = litellm.completion(**NAMES, messages=[{"role": "user", "content": WEATHER}], tools=[TOOL], tool_choice={
    "type": "function", "function": {"name": "get_weather"}})
check("a tool", forced.choices[0].message.tool_calls[0].function.name == "get_weather", forced)


async def messages():
    return await litellm.anthropic.messages.acreate(**NAMES, messages=QUESTION)

whole = asyncio.run(messages())
check("the route of messages", whole["type"] == "message" and whole["usage"]["output_tokens"] > 0, whole)

# Ollama's API
local = {"model": f"ollama_chat/{MODEL}", "api_base": BASE_URL, "temperature": 0, "max_tokens": 60}
whole = litellm.completion(**local, messages=QUESTION)
check("Ollama's chat", whole.choices[0].message.content is not None, whole)
parts = list(litellm.completion(**local, messages=QUESTION, stream=True))
check("its stream ends", parts[-1].choices[0].finish_reason, parts[-1])
finish()
