"""llm, the command line program: models of extra-openai-models.yaml, prompts, streams, schemas, tools, conversations."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from checking import OPENAI_URL, SUM, check, finish, model_name

MODEL = model_name()
PROGRAM = pathlib.Path(sys.executable).with_name("llm")
folder = tempfile.TemporaryDirectory()
pathlib.Path(folder.name, "extra-openai-models.yaml").write_text(
    f"- model_id: martlet\n  model_name: {MODEL}\n  api_base: {OPENAI_URL}\n  supports_schema: true\n  supports_tools: true\n")
ENVIRONMENT = {**os.environ, "LLM_USER_PATH": folder.name, "OPENAI_API_KEY": "none"}


def llm(*arguments, text=None):
    """The output of one run of the program."""
    result = subprocess.run([PROGRAM, *arguments], env=ENVIRONMENT, input=text, capture_output=True, text=True, timeout=120)
    check(f"llm {' '.join(arguments)[:60]}", result.returncode == 0, result.stdout + result.stderr)
    return result.stdout


OPTIONS = ["-m", "martlet", "-o", "temperature", "0", "-o", "max_tokens", "300"]
check("the model is listed", "martlet" in llm("models", "list"))
whole = llm("prompt", *OPTIONS, "--no-stream", SUM)
check("an answer", "42" in whole, whole)
check("a stream is the answer", llm("prompt", *OPTIONS, SUM).strip() == whole.strip())
check("a conversation", llm("prompt", *OPTIONS, "-c", "Hello").strip())
check("a system prompt and standard input", llm("prompt", *OPTIONS, "-s", "Be brief.", text="Hello").strip())
SCHEMA = {"type": "object", "properties": {"result": {"type": "integer"}}, "required": ["result"], "additionalProperties": False}
shaped = llm("prompt", *OPTIONS, "--schema", json.dumps(SCHEMA), SUM)
check("a schema", list(json.loads(shaped)) == ["result"], shaped)
functions = 'def get_weather(city: str) -> str:\n    "Get weather."\n    return \'{"temperature": 7}\'\n'
told = llm("prompt", *OPTIONS, "--functions", functions, "What is the weather in Oslo?")
check("a tool's result is told", "7" in told, told)
log = json.loads(llm("logs", "list", "--json", "-n", "1"))
check("the log has usage", log[0]["output_tokens"] > 0 and log[0]["input_tokens"] > 0, log)
folder.cleanup()
finish()
