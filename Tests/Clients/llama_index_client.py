"""llama-index: OpenAILike and Ollama, complete, chat, stream, tools, typed outputs, embeddings."""
import pydantic
from checking import BASE_URL, OPENAI_URL, SUM, WEATHER, check, finish, model_name
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.ollama import Ollama
from llama_index.llms.openai_like import OpenAILike

MODEL = model_name()
QUESTION = [ChatMessage(role="user", content=SUM)]


class Sum(pydantic.BaseModel):
    """A sum."""
    result: int


def get_weather(city: str) -> str:
    """Get weather."""
    return '{"temperature": 7}'


def conformance(kind, model):
    answer = model.chat(QUESTION)
    check(f"{kind}: chat", answer.message.content, answer)
    *_, last = model.stream_chat(QUESTION)
    check(f"{kind}: a stream is the answer", last.message.content == answer.message.content, last)
    done = model.complete("Hello")
    *_, last = model.stream_complete("Hello")
    check(f"{kind}: complete and its stream", done.text and done.text == last.text, (done, last))
    called = model.chat_with_tools([FunctionTool.from_defaults(get_weather)], user_msg=WEATHER)
    calls = model.get_tool_calls_from_response(called)
    check(f"{kind}: a call", [call.tool_name for call in calls] == ["get_weather"], called)
    check(f"{kind}: its arguments are an object", isinstance(calls[0].tool_kwargs, dict), calls)


chat = OpenAILike(model=MODEL, api_base=OPENAI_URL, api_key="none", is_chat_model=True, is_function_calling_model=True,
                  temperature=0, max_tokens=300, max_retries=0, context_window=4096)
conformance("chat", chat)
check("chat: a typed output", isinstance(chat.as_structured_llm(Sum).chat(QUESTION).raw, Sum))
text = OpenAILike(model=MODEL, api_base=OPENAI_URL, api_key="none", is_chat_model=False, temperature=0, max_tokens=8)
check("a text completion", isinstance(text.complete("One, two,").text, str))
local = Ollama(model=MODEL, base_url=BASE_URL, temperature=0, context_window=4096, request_timeout=60,
               additional_kwargs={"num_predict": 300})
conformance("ollama", local)
check("ollama: a typed output", isinstance(local.as_structured_llm(Sum).chat(QUESTION).raw, Sum))
vectors = OpenAILikeEmbedding(model_name=MODEL, api_base=OPENAI_URL, api_key="none")
check("embeddings", len(vectors.get_text_embedding_batch(["one", "two"])) == 2)
finish()
