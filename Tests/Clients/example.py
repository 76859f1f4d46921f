"""Runs examples/official_sdks.py and checks what it returns.

usage: example.py BASE_URL
"""
import pathlib
import sys

from checking import BASE_URL, check, finish

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples"))
import official_sdks

response, message = official_sdks.main(BASE_URL)
print()
check("the response is read to its end", response.status == "completed" and response.output_text, response)
check("the message is whole", message.content[-1].type == "text" and message.stop_reason == "end_turn", message)
finish()
