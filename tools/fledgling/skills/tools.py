"""Tool calls: one, two, none that fits, and the answer from a tool's response."""
from ..conversation import conversation, dump
from .copying import copy
from .everyday_functions import everyday_function
from .functions import invented_function
from .numbers import add
from .talk import REFUSAL_REASONING, fallback, faq, refusal

RESULT_KEYS = "temperature status result value price time id message count condition name total".split()


def tools(g):
    r = g.random
    everyday = r.random() < 0.3 and not g.held
    offered = [everyday_function(g)] if everyday else []
    while len(offered) < r.choice([1, 1, 2, 2]) or not offered:
        function = _new_function(g)
        if function.noun not in [other.noun for other in offered]:
            offered.append(function)
    mode = r.random()
    target = offered[0] if everyday else r.choice(offered)
    declared = _declare(g, r.sample(offered, len(offered)))
    if mode < 0.22:
        return _nothing_fits(g, offered, declared)
    return _calls(g, offered, target, declared, mode)


def _new_function(g):
    return g.draw(lambda: invented_function(g), lambda function: function.name)


def _declare(g, functions):
    """The functions in the template's form; the layout varies, because servers render them differently."""
    chance = g.random.random()
    layout = {"sort_keys": True} if chance < 0.15 else {"separators": (",", ":")} if chance < 0.25 else {}
    return {"list": [function.declaration for function in functions], "dump": layout}


def _nothing_fits(g, offered, declared):
    if g.random.random() < 0.5:
        turn = g.pick(faq, fallback, add, copy)(g)
        reasoning = turn["messages"][-1]["reasoning_content"]
    else:
        other = _new_function(g)
        if other.noun in [function.noun for function in offered]:
            return tools(g)
        request, _ = other.request()
        turn, reasoning = refusal("tools", g.vary(request, ".")), REFUSAL_REASONING
    turn["messages"][-1]["reasoning_content"] = "No tool fits. " + reasoning
    return {**turn, "skill": "tools", "tools": declared, "kind": "none"}


def _calls(g, offered, target, declared, mode):
    """`mode` in 0.22..<1: two calls below 0.4; the tool has responded from 0.72 on."""
    r = g.random
    request, arguments = target.request()
    calls = [(target.name, arguments)]
    if mode < 0.4:
        if len(offered) == 1 or r.random() < 0.4:
            second = target
        else:
            second = r.choice([function for function in offered if function is not target])
        also, arguments = second.request()
        link = g.pick(" and ", " and also ", ", and ", ". Then ", ". Also ")
        request = request.rstrip(".?") + link + also[0].lower() + also[1:]
        calls.append((second.name, arguments))
    turn = conversation(
        "tools",
        _polish(g, request),
        "",
        f"I call {' and '.join(dict.fromkeys(name for name, _ in calls))}.",
        tools=declared,
        calls=[{"type": "function", "function": {"name": name, "arguments": value}} for name, value in calls],
        check={"calls": calls},
    )
    turn["kind"] = "parallel" if len(calls) > 1 else "call"
    return turn if mode < 0.72 else _answered(g, turn, len(calls))


def _polish(g, request):
    r = g.random
    if r.random() < 0.6:
        request = request[0].upper() + request[1:]
    if request[-1] not in ".?":
        request += g.pick(".", "", ".", ", please.", "?")
    if r.random() < 0.2:
        return g.pick("Please ", "please ", "Can you ", "I need you to ") + request[0].lower() + request[1:]
    return request


def _answered(g, turn, count):
    """The same turn after the tools' responses: the model reports the results."""
    results = [_result(g) for _ in range(count)]
    answer = "Here is the result: " + "; ".join(said for _, said in results) + "."
    turn["messages"] += [{"role": "tool", "content": response} for response, _ in results]
    reasoning = "The tool has answered. I report the result."
    turn["messages"].append({"role": "assistant", "content": answer, "reasoning_content": reasoning})
    return {**turn, "kind": "answer", "check": {"equals": answer}}


def _result(g):
    """A tool's response, JSON or text, and the model's report of it."""
    r = g.random
    if r.random() < 0.75:
        keys = r.sample(RESULT_KEYS, r.randint(1, 3))
        value = {key: g.pick(r.randint(0, 999), g.word("adj"), g.invented(), g.word("color")) for key in keys}
        return dump(value), ", ".join(f"{key} {item}" for key, item in value.items())
    text = g.pick(
        g.word("adj") + " " + g.word("object"),
        f"{r.randint(1, 99)} degrees",
        "done",
        "the " + g.word("noun") + " is " + g.word("adj"),
        str(r.randint(1, 9999)),
        g.invented() + " " + g.invented(),
    )
    return text, text
