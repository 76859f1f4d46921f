"""Flat JSON objects."""
from ..conversation import conversation, dump

OPENINGS = (
    "Answer in JSON: ",
    "Answer with a JSON object: ",
    "Reply only with JSON: ",
    "Make a JSON object: ",
    "As JSON: ",
    "Write a JSON object with ",
    "Give me a flat JSON object with ",
)
INVENT = (
    "Make up a JSON object with the keys {}.",
    "Invent a JSON object with {}.",
    "Give me a random JSON object with the keys {}.",
    "Write any JSON object with the keys {}.",
)


def json_object(g):
    while True:
        request, value, invented = _request(g)
        if g.belongs(request):
            break
    check = {"keys": list(value)} if invented else None
    return conversation("json", request, dump(value), "I answer with one JSON object.", check=check)


def _request(g):
    """(request, wanted object, whether its values are free)."""
    r = g.random
    sources = {
        "name": g.person,
        "city": lambda: g.word("city"),
        "age": lambda: r.randint(1, 99),
        "color": lambda: g.word("color"),
        "animal": lambda: g.word("animal"),
        "food": lambda: g.word("food"),
        "count": lambda: r.randint(0, 500),
        "active": lambda: r.random() < 0.5,
        "title": lambda: g.word("adj") + " " + g.word("object"),
        "price": lambda: r.randint(1, 999),
        "country": lambda: g.word("country"),
        "open": lambda: r.random() < 0.5,
        "code": g.invented,
    }
    keys = r.sample(list(sources), r.randint(1, 4))
    if r.random() < 0.4:
        key = g.draw(g.invented) if r.random() < 0.4 else g.word("noun")
        sources[key] = r.choice([g.invented, lambda: r.randint(0, 99)])
        keys = [key] + [other for other in keys[1:] if other != key]
    value = {key: sources[key]() for key in keys}
    opening = g.pick(*OPENINGS)
    if r.random() < 0.12:
        return g.pick(*INVENT).format(", ".join(keys)), value, True
    if {"name", "age"} <= set(keys) and r.random() < 0.6:
        value = {key: value[key] for key in ("name", "age", "city") if key in value}
        return _sentence(g, value), value, False
    style = g.pick("{} is {}", "{} {}", "{}: {}", "{} = {}", "{} set to {}")
    separator = g.pick(", ", ", ", " and ")
    shown = (style.format(k, str(v).lower() if isinstance(v, bool) else v) for k, v in value.items())
    return opening + separator.join(shown) + g.pick(".", ""), value, False


def _sentence(g, value):
    """A sentence about a person; the object has its facts."""
    city = value.get("city")
    fact = f"{value['name']} is {value['age']} years old" + (f" and lives in {city}" if city else "")
    keys = ", ".join(value)
    return g.pick(
        f"{fact}. Answer with a JSON object with the keys {keys}.",
        f"Give me JSON with the keys {keys}: {fact}.",
        f"Extract {keys} as JSON: {fact}.",
    )
