"""Controls a running generation: pauses it, changes its temperature, forks it, and ends its reasoning.

usage: python steer.py [BASE_URL] [QUESTION]

The program needs Python's standard library only. docs/control.md describes all control commands.
"""
import json
import sys
import threading
import urllib.error
import urllib.request


class Generation:
    """A streamed generation. A thread reads the stream while the program sends control commands."""

    def __init__(self, base_url, request):
        self.base_url = base_url
        self.reasoning = self.content = ""
        self.finish_reason = None
        self.changed = threading.Condition()
        # With this header the generation outlives its connection and can be read by its id.
        self.stream = self.post("/v1/chat/completions", {**request, "stream": True}, {"X-Stream-Resume": "1"})
        self.id = self.stream.headers["X-Generation-Id"]
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def post(self, path, body, headers={}):
        return urllib.request.urlopen(urllib.request.Request(
            self.base_url + path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}))

    def read(self):
        for line in self.stream:
            if not line.startswith(b"data: {"):
                continue
            for choice in json.loads(line[6:])["choices"]:
                with self.changed:
                    self.reasoning += choice["delta"].get("reasoning_content") or ""
                    self.content += choice["delta"].get("content") or ""
                    self.finish_reason = choice["finish_reason"] or self.finish_reason
                    self.changed.notify_all()
        with self.changed:
            self.stream = None
            self.changed.notify_all()

    def wait_for(self, condition):
        """Returns when the condition holds, or when the stream has ended."""
        with self.changed:
            self.changed.wait_for(lambda: condition(self) or self.stream is None)

    def control(self, action, **fields):
        """Sends a control command. Returns the server's reply when the command has taken effect, or the error."""
        try:
            with self.post(f"/v1/generations/{self.id}/control", {"action": action, **fields}) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)


def main(base_url="http://127.0.0.1:8080", question="Think for a long time about rivers."):
    generation = Generation(base_url, {"messages": [{"role": "user", "content": question}], "max_tokens": 400})
    print("generation", generation.id)

    generation.wait_for(lambda generation: len(generation.reasoning) > 20)
    paused = generation.control("pause")
    if "error" in paused:
        print("too late to control:", paused["error"]["reason"])
    else:
        print("paused at token", paused["at_token"])
        # A paused generation produces no tokens, so these commands take effect at the same token.
        changed = generation.control("set", changes={"temperature": 0.2})
        print("temperature", changed["old"]["temperature"], "->", changed["new"]["temperature"])
        forked = generation.control("fork", n=1, changes={"temperature": 1.2})
        print("forked", forked["ids"] if "ids" in forked else forked["error"]["reason"])
        print("resumed at token", generation.control("resume")["at_token"])
        ended = generation.control("reasoning_end")
        print("reasoning was",
              "cut at token %d" % ended["at_token"] if "at_token" in ended else ended["error"]["reason"])
        for id in forked.get("ids", []):
            with urllib.request.urlopen(f"{base_url}/v1/generations/{id}/result?wait=600") as response:
                print("fork:", json.load(response)["choices"][0]["message"]["content"].strip())

    generation.reader.join()
    print("content:", generation.content.strip())
    print("ended with", generation.finish_reason)


if __name__ == "__main__":
    main(*sys.argv[1:])
