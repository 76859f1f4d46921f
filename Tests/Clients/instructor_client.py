"""instructor: typed answers in every mode of OpenAI's and Anthropic's clients, also partial ones of a stream."""
import anthropic
import instructor
import openai
import pydantic
from checking import BASE_URL, OPENAI_URL, SUM, check, finish, model_name

MODEL = model_name()
QUESTION = [{"role": "user", "content": SUM}]


class Sum(pydantic.BaseModel):
    """A sum."""
    model_config = pydantic.ConfigDict(extra="forbid")
    result: int
    remark: str = pydantic.Field(max_length=12)


PLAIN = {"chat_template_kwargs": {"enable_thinking": False}}
for mode in (instructor.Mode.TOOLS, instructor.Mode.TOOLS_STRICT, instructor.Mode.JSON_SCHEMA, instructor.Mode.JSON):
    client = instructor.from_openai(openai.OpenAI(base_url=OPENAI_URL, api_key="none", max_retries=0), mode=mode)
    ask = {"model": MODEL, "messages": QUESTION, "temperature": 0, "max_tokens": 400, "max_retries": 0,
           "extra_body": PLAIN | ({"json_schema": Sum.model_json_schema()} if mode == instructor.Mode.JSON else {})}
    if mode == instructor.Mode.JSON:
        # This mode only asks for JSON; the schema of the server's own field makes a small model follow it.
        ask["extra_body"]["response_format"] = {"type": "json_object", "schema": ask["extra_body"].pop("json_schema")}
    answer, raw = client.chat.completions.create_with_completion(response_model=Sum, **ask)
    check(f"{mode.name}: a typed answer", isinstance(answer, Sum) and raw.usage.completion_tokens > 0, raw)
    if mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA):
        *_, last = client.chat.completions.create_partial(response_model=Sum, **ask)
        check(f"{mode.name}: partial answers end in it", last.result == answer.result, last)

client = instructor.from_openai(openai.OpenAI(base_url=OPENAI_URL, api_key="none", max_retries=0),
                                mode=instructor.Mode.RESPONSES_TOOLS)
answer = client.responses.create(model=MODEL, input=SUM, response_model=Sum, max_output_tokens=400, temperature=0,
                                 max_retries=0)
check("RESPONSES_TOOLS: a typed answer", isinstance(answer, Sum), answer)
for mode in (instructor.Mode.ANTHROPIC_TOOLS,):
    client = instructor.from_anthropic(anthropic.Anthropic(base_url=BASE_URL, api_key="none", max_retries=0), mode=mode)
    answer = client.messages.create(model=MODEL, max_tokens=400, messages=QUESTION, response_model=Sum, max_retries=0)
    check(f"{mode.name}: a typed answer", isinstance(answer, Sum), answer)
finish()
