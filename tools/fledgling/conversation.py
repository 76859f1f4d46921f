"""The type of a conversation, and its text as the chat template renders it.

A conversation is a dictionary:

    skill     the skill's name
    messages  as in the chat API; the last one is the assistant's, with its reasoning_content
    tools     None, or {"list": the declared tools, "dump": how their JSON is laid out}
    check     how the evaluation judges an answer: {"equals"}, {"starts"}, {"calls"}, {"keys"} or {"story"}
    kind      optional: the case within the skill
    thinking  whether the model thinks first (set by the mix)
    cut       whether the reasoning is cut off at a random token (set by the mix)

Plain text, for completion without chat markup, holds `raw` in place of `messages`.
"""
import json

TOOLS_HEAD = "You may call these functions:\n<tools>"
TOOLS_TAIL = "\n</tools>\nTo call one, write its name and arguments as JSON between tool_call tags."


def conversation(skill, user, answer, reasoning, *, tools=None, history=(), check=None, calls=None):
    last = {"role": "assistant", "content": answer, "reasoning_content": reasoning}
    if calls:
        last["tool_calls"] = calls
    return {
        "skill": skill,
        "messages": [*history, {"role": "user", "content": user}, last],
        "tools": tools,
        "check": check or {"equals": answer},
    }


def dump(value, **layout):
    return json.dumps(value, ensure_ascii=False, **layout)


def render(conversation):
    """The text as a list of (text, kind), equal to the output of chat_template.jinja.

    `kind` says what is learned: "" nothing, "think" the reasoning, "answer" the answer.
    """
    if "raw" in conversation:
        return [(conversation["raw"], "answer"), ("<|endoftext|>", "answer")]
    messages = conversation["messages"]
    segments = []
    if system := _system(conversation):
        segments.append((f"<|im_start|>system\n{system}<|im_end|>\n", ""))
    last_user = max(i for i, message in enumerate(messages) if message["role"] == "user")
    for i, message in enumerate(messages):
        if message["role"] == "system":
            continue
        text = _content(message)
        segments.append((f"<|im_start|>{message['role']}\n", ""))
        if message["role"] != "assistant" or i < last_user:
            segments.append((text + "<|im_end|>\n", ""))
            continue
        if conversation["thinking"]:
            segments.append(("<think>\n" + message["reasoning_content"] + "\n</think>", "think"))
            segments.append(("\n\n" + text + "<|im_end|>", "answer"))
        else:
            segments.append(("<think>\n\n</think>\n\n", ""))
            segments.append((text + "<|im_end|>", "answer"))
        segments.append(("\n", ""))
    return segments


def _system(conversation):
    first, tools = conversation["messages"][0], conversation["tools"]
    system = first["content"] if first["role"] == "system" else ""
    if not tools:
        return system
    lines = "".join("\n" + dump(tool, **tools["dump"]) for tool in tools["list"])
    return (system + "\n\n" if system else "") + TOOLS_HEAD + lines + TOOLS_TAIL


def _content(message):
    text = message["content"]
    if message["role"] == "tool":
        text = f"<tool_response>\n{text}\n</tool_response>"
    for call in message.get("tool_calls", []):
        function = call["function"]
        name, arguments = function["name"], dump(function["arguments"])
        text += "\n" if text else ""
        text += f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'
    return text
