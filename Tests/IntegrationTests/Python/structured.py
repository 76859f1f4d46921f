"""Samples documents and tool calls at temperature 1 and checks each against its schema with `jsonschema`.

usage: structured.py BASE_URL COUNT      (BASE_URL ends in /v1; COUNT documents over 50 schemas)
Also parses answers through OpenAI's helper, and through instructor's where that is installed (it needs an openai below 3).
Prints one line per check; exits 1 when one fails.
"""
import collections
import concurrent.futures
import enum
import itertools
import json
import pathlib
import sys
import typing

import jsonschema
import openai
import pydantic

try:
    import instructor
except ImportError:
    instructor = None

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Clients"))

from checking import check  # noqa: E402

BASE_URL, COUNT = sys.argv[1], int(sys.argv[2])
client = openai.OpenAI(base_url=BASE_URL, api_key="none", timeout=300, max_retries=0)


def record(required=None, **properties):
    return {"type": "object", "properties": properties, "additionalProperties": False,
            "required": list(properties) if required is None else required}


def text(limit, **more):
    return {"type": "string", "maxLength": limit, **more}


def items(schema, least, most, **more):
    return {"type": "array", "items": schema, "minItems": least, "maxItems": most, **more}


LEAVES = [
    {"type": "integer", "minimum": -20, "maximum": 1000}, {"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 9},
    {"type": "boolean"}, {"type": "null"}, {"enum": ["red", "gr\u00fcn", "\u9752", 4, None]}, {"const": "fixed \"text\""},
    text(12), text(8, minLength=3), {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
    {"type": "string", "pattern": "^(?!x)[a-z]{1,6}$"}, {"type": "string", "format": "date"},
    {"type": "string", "format": "date-time"}, {"type": "string", "format": "uuid"}, {"type": "string", "format": "ipv4"},
    {"type": "string", "format": "time"}, {"type": ["integer", "null"], "exclusiveMinimum": 3, "maximum": 40},
    {"anyOf": [{"type": "boolean"}, text(5)]}, {"oneOf": [{"type": "integer", "maximum": 5, "minimum": 0}, {"enum": [7, "7"]}]},
    {"allOf": [{"minimum": 2}, {"type": "integer", "maximum": 8}]}, {"not": {"type": ["object", "array", "string", "number"]}},
]
TREE = {"$ref": "#/$defs/node", "$defs": {"node": record(["name"], name=text(4), parts=items({"$ref": "#/$defs/node"}, 0, 1))}}
WHOLE = [
    items({"enum": [1, 2, 3, 4]}, 2, 4, uniqueItems=True), TREE, items(text(2), 2, 5, uniqueItems=True),
    items(record(a={"enum": [1, 2]}, b={"type": "boolean"}), 3, 4, uniqueItems=True),
    record(long={"type": "string", "pattern": "^(?=.{3,40}$)[A-Za-z0-9_]{1,30}(?:-[a-z]{1,30})*$"}),
    {"type": "array", "prefixItems": [text(3), {"type": "integer", "minimum": 0, "maximum": 9}], "items": False, "minItems": 2},
    items({"type": "integer", "minimum": 0, "maximum": 9}, 1, 4, contains={"const": 7}),
    {"type": "object", "patternProperties": {"^n_[a-z]{1,3}$": {"type": "integer", "maximum": 9, "minimum": 0}},
     "additionalProperties": False, "maxProperties": 3},
    {"type": "object", "additionalProperties": {"type": "boolean"}, "propertyNames": {"maxLength": 4}, "maxProperties": 3},
    {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "value": {"type": ["integer", "string"], "maxLength": 3,
     "minimum": 0, "maximum": 99}}, "required": ["kind", "value"], "additionalProperties": False,
     "if": {"properties": {"kind": {"const": "a"}}}, "then": {"properties": {"value": {"type": "integer"}}},
     "else": {"properties": {"value": {"type": "string"}}}},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}},
     "minProperties": 1, "maxProperties": 2, "additionalProperties": False, "dependentRequired": {"a": ["b"]}},
    record(["a"], a=record(b=record(c=items(LEAVES[0], 1, 2)))), items(items(LEAVES[2], 1, 2), 1, 2),
]
SCHEMAS = WHOLE + [
    record(first=a, second=items(b, 0, 2)) for a, b in zip(LEAVES, itertools.islice(itertools.cycle(LEAVES), 7, None))
] + [record([f"k{i}"], **{f"k{i}": a, f"k{i + 1}": b, "list": items(c, 0, 2)})
     for i, (a, b, c) in enumerate(zip(LEAVES, LEAVES[3:] + LEAVES[:3], LEAVES[11:] + LEAVES[:11]))]
assert len(SCHEMAS) == 53


def fault(document, schema):
    try:
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(json.loads(document))
    except (ValueError, jsonschema.ValidationError) as error:
        return f"{document!r}: {error}"


def sample(number):
    """One document: as an answer, or as the arguments of a call."""
    schema = SCHEMAS[number % len(SCHEMAS)]
    fields = {"model": "fledgling", "temperature": 1, "seed": number, "max_tokens": 700, "messages": [
        {"role": "user", "content": f"Document {number}, please."}]}
    thinks = number % 5 == 4
    fields["extra_body"] = {"chat_template_kwargs": {"enable_thinking": thinks}}
    asCall = number // len(SCHEMAS) % 2 == 1 and schema.get("type") == "object"
    format = {"type": "json_schema", "json_schema": {"name": "document", "strict": True, "schema": schema}}
    tool = {"type": "function", "function": {"name": "submit", "strict": True, "parameters": schema}}
    if asCall:
        fields.update(tools=[tool], tool_choice="required")
    else:
        fields.update(response_format=format)
        if number % 7 == 6 and schema.get("type") == "object":
            fields.update(tools=[tool])
    choice = client.chat.completions.create(**fields).choices[0]
    if choice.finish_reason == "length":
        return "cut", None
    if choice.message.tool_calls:
        faults = [fault(call.function.arguments, schema) for call in choice.message.tool_calls]
        return "call", next((one for one in faults if one), None)
    return "thought" if thinks else "text", fault(choice.message.content, schema)


def sampled():
    kinds, numbers = collections.Counter(), itertools.count()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        while sum(kinds.values()) - kinds["cut"] < COUNT:
            batch = list(itertools.islice(numbers, min(COUNT, 50)))
            for number, (kind, wrong) in zip(batch, pool.map(sample, batch)):
                check_quietly(number, wrong)
                kinds[kind] += 1
            check_quietly("cut", kinds["cut"] > COUNT and "most answers do not end")
    check(f"{COUNT} documents are valid", True)
    print(dict(kinds))


def check_quietly(number, wrong):
    if wrong:
        check(f"document {number}", False, wrong)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(pydantic.BaseModel):
    name: typing.Annotated[str, pydantic.Field(max_length=12)]
    count: typing.Annotated[int, pydantic.Field(ge=0, le=99)]


class Order(pydantic.BaseModel):
    color: Color
    parts: typing.Annotated[list[Part], pydantic.Field(max_length=2)]
    note: typing.Annotated[str, pydantic.Field(max_length=20)] | None


def helpers():
    question = [{"role": "user", "content": "Order 3 red bolts."}]
    for seed in range(3):
        parsed = client.chat.completions.parse(
            model="fledgling", messages=question, response_format=Order, temperature=1, seed=seed, max_tokens=600)
        check("OpenAI's parse", isinstance(parsed.choices[0].message.parsed, Order), parsed)
    tool = client.chat.completions.parse(
        model="fledgling", messages=question, tools=[openai.pydantic_function_tool(Order)], tool_choice="required", max_tokens=600,
        temperature=1, seed=1)
    call = tool.choices[0].message.tool_calls[0]
    check("OpenAI's function tool", isinstance(call.function.parsed_arguments, Order), tool)
    if not instructor:
        return
    for mode in [instructor.Mode.TOOLS, instructor.Mode.TOOLS_STRICT, instructor.Mode.JSON_SCHEMA]:
        order = instructor.from_openai(client, mode=mode).chat.completions.create(
            model="fledgling", messages=question, response_model=Order, max_retries=0, temperature=1, seed=3, max_tokens=900)
        check(f"instructor's {mode.value}", isinstance(order, Order), order)


helpers()
sampled()
print("all checks passed")
