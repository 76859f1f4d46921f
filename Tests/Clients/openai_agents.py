"""openai-agents: runs with tools, streams, sessions and typed outputs, over Responses and over Chat Completions."""
import asyncio
import sys

# The program has the name of no package: `agents` is the library.
import agents
import openai
import pydantic
from checking import OPENAI_URL, SUM, WEATHER, check, finish, model_name

agents.set_tracing_disabled(True)
MODEL = model_name()
CLIENT = openai.AsyncOpenAI(base_url=OPENAI_URL, api_key="none", max_retries=0)
called = []


@agents.function_tool
def get_weather(city: str) -> str:
    """Get weather."""
    called.append(city)
    return '{"temperature": 7}'


class Sum(pydantic.BaseModel):
    result: int


async def run(kind, model):
    settings = agents.ModelSettings(temperature=0, max_tokens=300)
    plain = agents.Agent(name="plain", model=model, model_settings=settings)
    result = await agents.Runner.run(plain, SUM)
    check(f"{kind}: a run", result.final_output and result.raw_responses[0].usage.output_tokens > 0, result)
    check(f"{kind}: the model's answer", "42" in result.final_output, result.final_output)

    called.clear()
    helper = agents.Agent(name="helper", model=model, tools=[get_weather], model_settings=settings)
    result = await agents.Runner.run(helper, WEATHER, max_turns=4)
    check(f"{kind}: a tool runs", called and isinstance(called[0], str), result)
    kinds = [item.type for item in result.new_items]
    check(f"{kind}: call, output and message", ["tool_call_item", "tool_call_output_item", "message_output_item"]
          == [name for name in kinds if name != "reasoning_item"], kinds)
    check(f"{kind}: the output reaches the model", "7" in result.final_output, result.final_output)

    typed = agents.Agent(name="typed", model=model, output_type=Sum, model_settings=settings)
    result = await agents.Runner.run(typed, SUM)
    check(f"{kind}: a typed output", isinstance(result.final_output, Sum), result.final_output)

    streamed = agents.Runner.run_streamed(helper, WEATHER, max_turns=4)
    names = [event.data.type for event in [event async for event in streamed.stream_events()]
             if event.type == "raw_response_event"]
    check(f"{kind}: a stream", names.count("response.completed") == 2 and streamed.final_output, names)

    session = agents.SQLiteSession("one")
    await agents.Runner.run(plain, SUM, session=session)
    second = await agents.Runner.run(plain, "Hello", session=session)
    check(f"{kind}: a session", len(await session.get_items()) >= 4 and second.final_output, second)


async def main():
    await run("responses", agents.OpenAIResponsesModel(model=MODEL, openai_client=CLIENT))
    await run("chat", agents.OpenAIChatCompletionsModel(model=MODEL, openai_client=CLIENT))
    stored = agents.Agent(name="stored", model=agents.OpenAIResponsesModel(model=MODEL, openai_client=CLIENT),
                          model_settings=agents.ModelSettings(temperature=0, max_tokens=200))
    first = await agents.Runner.run(stored, SUM)
    second = await agents.Runner.run(stored, "Hello", previous_response_id=first.last_response_id)
    check("a chain of responses", second.raw_responses[0].usage.input_tokens
          > first.raw_responses[0].usage.input_tokens, second.raw_responses)

asyncio.run(main())
finish()
sys.exit(0)
