"""OpenAI's client beyond chat: parsed Responses, helpers of streams, background and resume, raw responses, embeddings."""
import asyncio
import math

import openai
import pydantic
from checking import CITY, OPENAI_URL, SUM, WEATHER, check, finish, model_name, refused

MODEL = model_name()
client = openai.OpenAI(base_url=OPENAI_URL, api_key="none", max_retries=0)


class Sum(pydantic.BaseModel):
    result: int


class GetWeather(pydantic.BaseModel):
    """Get the weather."""
    city: str = pydantic.Field(max_length=12)


ASK = {"model": MODEL, "temperature": 0, "max_output_tokens": 300}
QUICK = {**ASK, "reasoning": {"effort": "none"}}

# Responses: parsed outputs and the accumulating stream
parsed = client.responses.parse(**QUICK, input=SUM, text_format=Sum)
check("a response is parsed", isinstance(parsed.output_parsed, Sum), parsed)
with client.responses.stream(**QUICK, input=SUM, text_format=Sum) as stream:
    kinds = [event.type for event in stream]
    final = stream.get_final_response()
check("a stream is parsed", final.output_parsed == parsed.output_parsed, final)
check("its parts begin and end", kinds.count("response.content_part.added") == kinds.count("response.content_part.done")
      == kinds.count("response.output_text.done") == 1, kinds)
tool = openai.pydantic_function_tool(GetWeather)["function"]
forced = client.responses.parse(**ASK, input=WEATHER, tools=[{"type": "function", **tool}],
                                tool_choice={"type": "function", "name": "GetWeather"})
call = forced.output[-1]
check("a call is parsed", call.type == "function_call" and list(dict(call.parsed_arguments)) == ["city"], call)
check("its ids differ", call.id.startswith("fc_") and call.call_id.startswith("call_"), call)
with client.responses.stream(**ASK, input=WEATHER, tools=[{"type": "function", **tool}],
                             tool_choice={"type": "function", "name": "GetWeather"}) as stream:
    deltas = [event for event in stream if event.type == "response.function_call_arguments.delta"]
    same = stream.get_final_response().output[-1]
check("its arguments stream", "".join(event.delta for event in deltas) == same.arguments == call.arguments, same)
check("for one item", {event.item_id for event in deltas} == {same.id}, deltas)

# A summary of a conversation, and a conversation that goes on from it
history = [{"role": "user", "content": SUM}, {"role": "assistant", "content": "42"}, {"role": "user", "content": WEATHER}]
compacted = client.responses.compact(model=MODEL, input=history, instructions="Be brief.")
check("a conversation is compacted", compacted.object == "response.compaction" and compacted.usage.output_tokens > 0, compacted)
check("messages of the user stay", [item.type for item in compacted.output] == ["message", "message", "compaction"], compacted)
after = client.responses.create(**QUICK, input=[*compacted.output, {"role": "user", "content": SUM}])
check("it goes on from the summary", after.status == "completed" and after.output_text, after)
with client.responses.stream(**QUICK, input=[*history, {"type": "compaction_trigger"}], store=False) as stream:
    kinds = [event.type for event in stream]
    final = stream.get_final_response()
check("a trigger streams one summary", kinds.count("response.output_item.done") == 1 == kinds.count("response.compaction.compacting")
      and final.output[0].type == "compaction", kinds)
refused("a compaction without input is refused", openai.BadRequestError, lambda: client.responses.compact(model=MODEL))

# Background, poll, resume, cancel
queued = client.responses.create(**ASK, input=SUM, background=True)
while queued.status in ("queued", "in_progress"):
    queued = client.responses.retrieve(queued.id)
check("a background response ends", queued.status == "completed" and queued.output_text, queued)
whole = list(client.responses.retrieve(queued.id, stream=True, starting_after=0))
check("it is replayed behind an event", [event.sequence_number for event in whole] == list(range(1, len(whole) + 1)), whole)
check("to the same response", whole[-1].response.output_text == queued.output_text, whole[-1])
refused("an event beyond the end is refused", openai.BadRequestError, lambda: list(
    client.responses.retrieve(queued.id, stream=True, starting_after=100_000)))
page = client.responses.input_items.list(queued.id, limit=1)
check("input items are a page", page.data[0].type == "message" and page.has_more is False, page)

# The accumulating stream of chat
with client.chat.completions.stream(model=MODEL, temperature=0, max_tokens=300, response_format=Sum,
                                    messages=[{"role": "user", "content": SUM}], extra_body={
                                        "chat_template_kwargs": {"enable_thinking": False}}) as stream:
    kinds = {event.type for event in stream}
    completion = stream.get_final_completion()
check("a chat's stream is parsed", isinstance(completion.choices[0].message.parsed, Sum), completion)
check("and reports its end", {"chunk", "content.delta", "content.done"} <= kinds, kinds)
strict = openai.pydantic_function_tool(GetWeather)
answer = client.chat.completions.parse(model=MODEL, temperature=0, max_tokens=300, tools=[strict], tool_choice="required",
                                       messages=[{"role": "user", "content": WEATHER}])
check("a chat's call is parsed", isinstance(answer.choices[0].message.tool_calls[0].function.parsed_arguments, GetWeather),
      answer)
old = client.chat.completions.create(model=MODEL, temperature=0, max_tokens=300, function_call={"name": "get_weather"},
                                     functions=[{"name": "get_weather", "parameters": CITY}],
                                     messages=[{"role": "user", "content": WEATHER}])
check("functions of old clients", old.choices[0].message.function_call.name == "get_weather"
      and old.choices[0].finish_reason == "function_call", old)

# Headers, errors, lists
raw = client.chat.completions.with_raw_response.create(model=MODEL, max_tokens=5, messages=[
    {"role": "user", "content": SUM}])
check("a response has its id in a header", raw.headers.get("x-request-id") and raw.parse().id, dict(raw.headers))
error = refused("a faulty field", openai.BadRequestError, lambda: client.responses.create(**ASK | {"temperature": "hot"}, input=SUM))
check("is named", error.param == "temperature" or "temperature" in str(error), error.body)
check("models are found by name", client.models.retrieve(MODEL).id == MODEL)

# Embeddings
vectors = client.embeddings.create(model=MODEL, input=["one", "two", "one"])
check("embeddings are unit vectors", all(
    abs(math.fsum(x * x for x in entry.embedding) - 1) < 1e-4 for entry in vectors.data), vectors.usage)
check("in order, equal for equal texts", vectors.data[0].embedding == vectors.data[2].embedding
      and [entry.index for entry in vectors.data] == [0, 1, 2])
short = client.embeddings.create(model=MODEL, input="one", dimensions=16)
check("with fewer dimensions", len(short.data[0].embedding) == 16 and short.usage.prompt_tokens > 0, short.usage)


async def at_once():
    """Streams of all three APIs at the same time."""
    async with openai.AsyncOpenAI(base_url=OPENAI_URL, api_key="none", max_retries=0) as several:
        async def responses():
            return [event.type async for event in await several.responses.create(**ASK, input=SUM, stream=True)][-1]

        async def chats():
            stream = await several.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": SUM}], stream=True, max_tokens=50)
            return [chunk async for chunk in stream][-1].choices[0].finish_reason

        return await asyncio.gather(*(job() for job in [responses, chats] * 4))

check("eight streams at once", set(asyncio.run(at_once())) <= {"response.completed", "stop", "length"})
finish()
