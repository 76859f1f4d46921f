"""smolagents: a tool-calling agent and a code agent that run to their limits, and streams of the model."""
from checking import OPENAI_URL, SUM, check, finish, model_name
from smolagents import ChatMessage, OpenAIModel, ToolCallingAgent, tool
from smolagents.models import MessageRole
from smolagents.monitoring import LogLevel

model = OpenAIModel(model_id=model_name(), api_base=OPENAI_URL, api_key="none", temperature=0, max_tokens=300)
cities = []


@tool
def get_weather(city: str) -> str:
    """Get weather.

    Args:
        city: The city.
    """
    cities.append(city)
    return "7 degrees"


QUESTION = [ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": SUM}])]
answer = model.generate(QUESTION)
check("an answer", "42" in answer.content and answer.token_usage.output_tokens > 0, answer)
streamed = "".join(delta.content or "" for delta in model.generate_stream(QUESTION))
check("a stream is the answer", streamed == answer.content, streamed)
called = model.generate(QUESTION, tools_to_call_from=[get_weather])
check("a tool is required", called.tool_calls[0].function.name == "get_weather", called)
shaped = model.generate(QUESTION, response_format={"type": "json_schema", "json_schema": {
    "name": "sum", "schema": {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"],
                              "additionalProperties": False}}})
check("a schema", shaped.content.startswith("{") and "sum" in shaped.content, shaped)
obedient = OpenAIModel(model_id=model_name(), api_base=OPENAI_URL, api_key="none", temperature=0, max_tokens=300,
                       tool_choice="required", extra_body={"chat_template_kwargs": {"enable_thinking": False}})
for stream in (False, True):
    # Its prompt of 2,000 tokens confuses a small model, so that a call is required and thinking is off.
    agent = ToolCallingAgent(tools=[get_weather], model=obedient, max_steps=2, verbosity_level=LogLevel.OFF,
                             stream_outputs=stream)
    result = agent.run("What is the weather in Oslo?")
    steps = [step for step in agent.memory.steps if getattr(step, "tool_calls", None)]
    check(f"an agent's steps are calls (stream={stream})", steps and result is not None, agent.memory.steps)
finish()
