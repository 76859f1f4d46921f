"""langchain-openai, langchain-anthropic and langchain-ollama: invoke, stream, tools, typed outputs, embeddings."""
import asyncio

import pydantic
from checking import BASE_URL, OPENAI_URL, SUM, WEATHER, check, finish, model_name
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings, OllamaLLM
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings

MODEL = model_name()
# One loop for all, because the library shares its connections between models.
LOOP = asyncio.new_event_loop()


class Sum(pydantic.BaseModel):
    """A sum."""
    result: int


@tool
def get_weather(city: str) -> str:
    """Get weather."""
    return '{"temperature": 7}'


def whole_of(chunks):
    """The message that the chunks of a stream add up to."""
    total = None
    for chunk in chunks:
        total = chunk if total is None else total + chunk
    return total


def conformance(kind, model, typed, choice="get_weather"):
    answer = model.invoke(SUM)
    check(f"{kind}: an answer", "42" in answer.text, answer)
    usage = answer.usage_metadata
    check(f"{kind}: usage adds up", usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], usage)
    streamed = whole_of(model.stream(SUM))
    check(f"{kind}: a stream is the answer", streamed.text == answer.text, (streamed, answer))
    check(f"{kind}: with usage", streamed.usage_metadata["output_tokens"] == usage["output_tokens"], streamed)
    batch = model.batch([SUM, "Hello"])
    check(f"{kind}: a batch", batch[0].text == answer.text and batch[1].text, batch)
    again = LOOP.run_until_complete(model.ainvoke(SUM))
    check(f"{kind}: asynchronous", again.text == answer.text, again)

    parsed = typed(model).invoke(SUM)
    check(f"{kind}: a typed output", isinstance(parsed, Sum), parsed)
    bound = model.bind_tools([get_weather], **({"tool_choice": choice} if choice else {}))
    called = bound.invoke(WEATHER)
    check(f"{kind}: a call", [call["name"] for call in called.tool_calls] == ["get_weather"], called)
    streamed = whole_of(bound.stream(WEATHER))
    check(f"{kind}: a call of a stream", [(call["name"], call["args"]) for call in streamed.tool_calls]
          == [(call["name"], call["args"]) for call in called.tool_calls], streamed)
    call = called.tool_calls[0]
    result = model.bind_tools([get_weather]).invoke(
        [HumanMessage(WEATHER), called, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])])
    check(f"{kind}: the result reaches the model", "7" in result.text, result)


SHARED = {"model": MODEL, "temperature": 0, "max_retries": 0}
OPEN = {**SHARED, "base_url": OPENAI_URL, "api_key": "none", "max_tokens": 300, "stream_usage": True}
conformance("chat", ChatOpenAI(**OPEN), lambda model: model.with_structured_output(Sum, method="json_schema"))
conformance("chat, by a call", ChatOpenAI(**OPEN), lambda model: model.with_structured_output(Sum, method="function_calling"))
conformance("responses", ChatOpenAI(**OPEN, use_responses_api=True), lambda model: model.with_structured_output(
    Sum, method="json_schema"))
conformance("messages", ChatAnthropic(**SHARED, base_url=BASE_URL, api_key="none", max_tokens=300),
            lambda model: model.with_structured_output(Sum))
thinker = ChatAnthropic(model=MODEL, max_retries=0, base_url=BASE_URL, api_key="none", max_tokens=1600,
                        thinking={"type": "enabled", "budget_tokens": 1024})
thought = thinker.invoke(SUM)
check("messages: thinking", [block["type"] for block in thought.content] == ["thinking", "text"], thought)
check("messages: thinking is sent back", thinker.invoke([HumanMessage(SUM), thought, HumanMessage("Hello")]).text, thought)
local = {"model": MODEL, "base_url": BASE_URL, "temperature": 0, "num_predict": 300}
conformance("ollama", ChatOllama(**local), lambda model: model.with_structured_output(Sum, method="json_schema"), choice=None)
check("ollama: reasoning is apart", ChatOllama(**local, reasoning=True).invoke(SUM).additional_kwargs["reasoning_content"])
check("ollama: a text completion", isinstance(OllamaLLM(**local | {"num_predict": 8}).invoke("One, two,"), str))

vectors = OpenAIEmbeddings(model=MODEL, base_url=OPENAI_URL, api_key="none", check_embedding_ctx_length=False)
check("embeddings", len(vectors.embed_documents(["one", "two"])) == 2 and len(vectors.embed_query("one")) > 8)
mine, theirs = vectors.embed_query("one"), OllamaEmbeddings(model=MODEL, base_url=BASE_URL).embed_query("one")
check("Ollama's embeddings are the same", all(abs(a - b) < 1e-5 for a, b in zip(mine, theirs, strict=True)))
text = OpenAI(model=MODEL, base_url=OPENAI_URL, api_key="none", max_tokens=8, temperature=0)
check("a text completion", "".join(text.stream("One, two,")) == text.invoke("One, two,"))
finish()
