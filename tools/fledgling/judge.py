"""Decides whether an answer is correct, with the check of its conversation."""
import json
import re

SHORTEST_STORY_WORDS = 40


def split_reasoning(text):
    """(reasoning or None, answer) of generated text."""
    if "</think>" not in text:
        return None, text
    head, tail = text.split("</think>", 1)
    return head.replace("<think>", "").strip("\n"), tail.lstrip("\n")


def is_right(conversation, answer):
    check = conversation["check"]
    if conversation["skill"] == "json":
        return _right_object(check, answer)
    if "equals" in check:
        return answer == check["equals"]
    if "starts" in check:
        return answer.startswith(check["starts"])
    if "calls" in check:
        return _calls(answer) == [(name, arguments) for name, arguments in check["calls"]]
    told = answer.endswith("The end.") and len(answer.split()) > SHORTEST_STORY_WORDS
    return told and check["story"] in answer


def _right_object(check, answer):
    try:
        value = json.loads(answer)
    except ValueError:
        return False
    if "keys" in check:
        return isinstance(value, dict) and list(value) == check["keys"]
    return value == json.loads(check["equals"])


def _calls(answer):
    """(name, arguments) of each tool call, or None if a call is not well-formed."""
    try:
        found = [json.loads(call) for call in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", answer, re.S)]
        return [(call["name"], call["arguments"]) for call in found]
    except (ValueError, KeyError, TypeError):
        return None
