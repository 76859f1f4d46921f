"""Invented functions for the tool skill, and the requests for them."""
from ..words import WORDS

ARGUMENTS = {
    "string": "city name title user room topic message country label language product place subject person query text",
    "integer": "count amount minutes level year limit seats quantity days volume number hours pages speed",
    "boolean": "urgent loud public silent repeat express private fast gift dark",
    "enum": "color unit priority size mode day",
}
CHOICES = {
    "color": WORDS["color"],
    "unit": ["celsius", "fahrenheit", "km", "miles", "grams"],
    "priority": ["low", "medium", "high"],
    "size": ["small", "medium", "large"],
    "mode": ["eco", "auto", "manual", "turbo"],
    "day": ["monday", "tuesday", "friday", "sunday"],
}


class Function:
    """A declared function; `request` chooses a user's text that asks for a call, and its arguments."""

    def __init__(self, declaration, verb, noun, request):
        self.declaration = {"type": "function", "function": declaration}
        self.name, self.verb, self.noun = declaration["name"], verb, noun
        self.request = request


def invented_function(g):
    r = g.random
    verb = g.word("verb")
    noun = g.word("noun") if r.random() < 0.8 else g.invented()
    properties = _properties(g, noun)
    required = [name for name in properties if r.random() < 0.85]
    name = g.pick(f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}{noun.capitalize()}")
    description = g.pick(f"{verb.capitalize()} the {noun}.", f"{verb.capitalize()}s a {noun}", f"{verb} {noun}")
    declaration = {
        "name": name,
        "description": description,
        "parameters": {"type": "object", "properties": properties, "required": required},
    }
    if r.random() < 0.1:
        del declaration["description"]
    function = Function(declaration, verb, noun, lambda: _request(g, function))
    return function


def _properties(g, noun):
    r, properties = g.random, {}
    for _ in range(r.choice([1, 1, 2, 2, 3])):
        kind = r.choice(["string", "string", "integer", "enum", "boolean"])
        name = r.choice(ARGUMENTS[kind].split())
        if name in properties or name == noun:
            continue
        if kind == "enum":
            choices = CHOICES[name]
            schema = {"type": "string", "enum": r.sample(choices, min(len(choices), r.randint(2, 3)))}
        else:
            schema = {"type": kind}
        if r.random() < 0.3:
            schema["description"] = g.pick(f"The {name}", f"{name} of the {noun}", f"Which {name} to use")
        properties[name] = schema
    return properties


def _value(g, name, schema):
    r = g.random
    if "enum" in schema:
        return r.choice(schema["enum"])
    match schema["type"], name:
        case "integer", _:
            return r.choice([r.randint(0, 20), r.randint(0, 100), r.randint(100, 3000)])
        case "boolean", _:
            return r.random() < 0.5
        case _, "city":
            return g.pick(g.word("city"), g.invented(True))
        case _, "country":
            return g.word("country")
        case _, "name" | "user" | "person":
            return g.person()
        case _, "language":
            return g.pick("French", "German", "Greek", "Latin")
        case _:
            return g.pick(g.invented(), g.word("adj") + " " + g.word("object"), g.word("topic"), g.word("food"))


def _request(g, function):
    r, verb, noun = g.random, function.verb, function.noun
    parameters = function.declaration["function"]["parameters"]
    arguments = {
        name: _value(g, name, schema)
        for name, schema in parameters["properties"].items()
        if name in parameters["required"] or r.random() < 0.5
    }
    shown = [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in arguments.items()]
    if r.random() < 0.3:
        r.shuffle(shown)
    style = g.pick("{} {}", "{} {}", "{} is {}", "{}: {}", "{} = {}", "{} set to {}")
    body = [style.format(*pair) for pair in shown]
    heads = (f"{verb} the {noun}", f"{verb} a {noun}", f"{verb} {noun}", f"{verb} my {noun}", f"use {function.name}")
    head = g.pick(*heads)
    if len(shown) == 1 and isinstance(shown[0][1], str) and r.random() < 0.5:
        value = shown[0][1]
        phrases = (
            f"{verb} the {noun} {g.pick('for', 'in', 'of', 'with', 'called')} {value}",
            f"what is the {noun} {g.pick('in', 'for', 'of')} {value}",
        )
        return g.pick(*phrases), arguments
    if not body:
        return head, arguments
    joined = head + g.pick(" with ", " with ", ", ", ": ")
    if len(body) > 1 and r.random() < 0.6:
        return joined + ", ".join(body[:-1]) + " and " + body[-1], arguments
    return joined + ", ".join(body), arguments
