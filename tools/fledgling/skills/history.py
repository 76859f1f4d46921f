"""Earlier turns, before the turn of the skill."""
from .copying import copy
from .numbers import add, count
from .talk import fallback, faq


def earlier_turns(g, number):
    messages = []
    for _ in range(number):
        turn = g.pick(faq, fallback, add, lambda g: count(g, 12), copy)(g)
        user, assistant = turn["messages"][-2:]
        messages += [user, {"role": "assistant", "content": assistant["content"]}]
    return messages
