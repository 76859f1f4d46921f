"""Functions that real programs offer: weather, clock, calculator, search, dice, timer, files."""
from .functions import Function

# (names, argument names, kind of value, phrasings)
EVERYDAY = [
    (
        "get_weather|get_current_weather|weather",
        "city|location",
        "city",
        "What is the weather in {}?|How is the weather in {}?|weather in {}|Tell me the weather in {}.|"
        "Is it raining in {}?",
    ),
    (
        "get_time|get_current_time|clock",
        "city|timezone",
        "city",
        "What time is it in {}?|time in {}|Tell me the time in {}.|What is the time in {} now?",
    ),
    (
        "calculator|calculate|eval_math",
        "expression",
        "expression",
        "Use the calculator for {}.|Calculate {} with the tool.|What is {}? Use the calculator.|"
        "Compute {} with the calculator.",
    ),
    (
        "search|web_search|search_web",
        "query",
        "topic",
        "Search the web for {}.|Search for {}.|Look up {}.|Find information about {}.",
    ),
    (
        "roll_dice|roll_die|dice",
        "sides",
        "integer",
        "Roll a dice with {} sides.|roll a {} sided dice|Roll the dice, {} sides please.",
    ),
    (
        "set_timer|start_timer",
        "minutes",
        "integer",
        "Set a timer for {} minutes.|Start a timer for {} minutes.|timer {} minutes",
    ),
    (
        "read_file|open_file",
        "path|filename",
        "file",
        "Read the file {}.|Open the file {}.|Show me the file {}.|What is in the file {}?",
    ),
]


def everyday_function(g):
    r = g.random
    names, arguments, kind, phrasings = r.choice(EVERYDAY)
    name, argument = r.choice(names.split("|")), r.choice(arguments.split("|"))
    properties = {argument: {"type": "integer" if kind == "integer" else "string"}}
    declaration = {
        "name": name,
        "description": g.pick(f"{name.replace('_', ' ').capitalize()}.", "A useful tool."),
        "parameters": {"type": "object", "properties": properties, "required": [argument]},
    }
    if argument in ("city", "location") and r.random() < 0.3:
        properties["unit"] = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    if r.random() < 0.3:
        properties[argument]["description"] = f"The {argument}"

    def request():
        value = _value(g, kind)
        return r.choice(phrasings.split("|")).format(value), {argument: value}

    verb, noun = name.split("_")[0], name.split("_")[-1]
    return Function(declaration, verb, noun, request)


def _value(g, kind):
    r = g.random
    match kind:
        case "city":
            return g.pick(g.word("city"), g.invented(True))
        case "expression":
            return f"{r.randint(1, 999)} {r.choice('+-*/')} {r.randint(1, 999)}"
        case "topic":
            return g.pick(g.word("topic"), g.invented())
        case "integer":
            return r.randint(2, 100)
        case "file":
            return g.pick(g.word("object"), g.invented()) + g.pick(".txt", ".md", ".json")
        case _:
            raise ValueError(f"no values of kind {kind}")
