"""Streams a response and reads on after every lost connection, also when the server is killed and started again.

usage: python resume.py [BASE_URL] [QUESTION]

The program needs Python's standard library only. docs/streams.md describes resumable generations.
"""
import http.client
import json
import sys
import time
import urllib.error
import urllib.request

RETRY_SECONDS = 0.2


def start(base_url, question):
    """Begins a generation that continues without a connection, and returns its id."""
    body = {"messages": [{"role": "user", "content": question}], "temperature": 0, "background": True}
    request = urllib.request.Request(
        base_url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)["id"]


def events(base_url, generation):
    """Yields the number and the chunk of each event once. Yields (number, None) when the connection is lost."""
    last = kind = None
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        request = urllib.request.Request(f"{base_url}/v1/generations/{generation}/events", headers=headers)
        connected = False
        try:
            with urllib.request.urlopen(request) as response:
                connected = True
                number = None
                for line in response:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "id":
                        number = value
                    elif name == "data" and value == "[DONE]":
                        return
                    elif name == "data" and kind != "handover":
                        yield number, json.loads(value)
                        last = number
                    elif name == "":
                        kind = None
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
        except (OSError, http.client.HTTPException):
            pass
        if connected:
            yield last, None
        time.sleep(RETRY_SECONDS)


def main(base_url="http://127.0.0.1:8080", question="Count from 1 to 60."):
    dim, plain = ("\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "")
    in_reasoning = False
    for number, chunk in events(base_url, start(base_url, question)):
        if chunk is None:
            print(f"\n{dim}[connection lost; reading on after event {number}]{plain}", flush=True)
            continue
        if "error" in chunk:
            raise SystemExit(chunk["error"]["message"])
        for choice in chunk["choices"]:
            reasoning, content = (choice["delta"].get(name) for name in ("reasoning_content", "content"))
            if reasoning:
                print(f"{dim}{reasoning}{plain}", end="", flush=True)
            if content:
                print("\n" if in_reasoning else "", content, sep="", end="", flush=True)
            in_reasoning = bool(reasoning) or in_reasoning and not content
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
