"""pydantic-ai: agents over Chat Completions, Responses, Messages and Ollama's provider."""
import asyncio

import pydantic
from checking import BASE_URL, OPENAI_URL, SUM, WEATHER, check, finish, model_name
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider

NAME = model_name()


class Sum(pydantic.BaseModel):
    """A sum."""
    result: int


async def conformance(kind, model, native=True):
    settings = {"temperature": 0, "max_tokens": 300}
    agent = Agent(model, model_settings=settings)
    answer = await agent.run(SUM)
    check(f"{kind}: an answer", "42" in answer.output, answer)
    check(f"{kind}: usage", answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, answer.usage)
    async with agent.run_stream(SUM) as stream:
        *_, last = [text async for text in stream.stream_text(debounce_by=None)]
    check(f"{kind}: a stream is the answer", last == answer.output, (last, answer.output))
    second = await agent.run("Hello", message_history=answer.all_messages())
    check(f"{kind}: a history with thinking", second.output, second)

    cities = []
    helper = Agent(model, model_settings=settings)

    @helper.tool_plain
    def get_weather(city: str) -> str:
        """Get weather."""
        cities.append(city)
        return '{"temperature": 7}'

    result = await helper.run(WEATHER)
    check(f"{kind}: a tool runs", cities and "7" in result.output, result)
    typed = await Agent(model, output_type=ToolOutput(Sum), model_settings=settings).run(SUM)
    check(f"{kind}: an output by a call", isinstance(typed.output, Sum), typed)
    if native:
        typed = await Agent(model, output_type=NativeOutput(Sum), model_settings=settings).run(SUM)
        check(f"{kind}: an output by a schema", isinstance(typed.output, Sum), typed)


async def main():
    provider = OpenAIProvider(base_url=OPENAI_URL, api_key="none")
    await conformance("chat", OpenAIChatModel(NAME, provider=provider))
    await conformance("responses", OpenAIResponsesModel(NAME, provider=provider))
    await conformance("messages", AnthropicModel(NAME, provider=AnthropicProvider(base_url=BASE_URL, api_key="none")),
                      native=False)
    await conformance("ollama", OllamaModel(NAME, provider=OllamaProvider(base_url=OPENAI_URL)), native=False)

asyncio.run(main())
finish()
