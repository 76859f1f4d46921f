"""Steers an answer while it is being written: pauses, sets the temperature, forks, skips the thinking.

usage: python steer.py [BASE_URL] [QUESTION]

Only Python's standard library is needed. docs/control.md says what else an answer can be told.
"""
import json
import sys
import threading
import urllib.error
import urllib.request


class Answer:
    """An answer that is read in a thread of its own while it is given orders."""

    def __init__(self, base_url, request):
        self.base_url = base_url
        self.thinking = self.text = ""
        self.finish_reason = None
        self.changed = threading.Condition()
        # With this header the answer outlives the connection: it can be asked for, and forked, by its id.
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
                    self.thinking += choice["delta"].get("reasoning_content") or ""
                    self.text += choice["delta"].get("content") or ""
                    self.finish_reason = choice["finish_reason"] or self.finish_reason
                    self.changed.notify_all()
        with self.changed:
            self.stream = None
            self.changed.notify_all()

    def wait_for(self, condition):
        """Returns when the condition holds, or nothing more will come."""
        with self.changed:
            self.changed.wait_for(lambda: condition(self) or self.stream is None)

    def order(self, action, **fields):
        """Returns when the order has taken effect: what the server says of it, or why it could not be obeyed."""
        try:
            with self.post(f"/v1/generations/{self.id}/control", {"action": action, **fields}) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)


def main(base_url="http://127.0.0.1:8080", question="Think for a long time about rivers."):
    answer = Answer(base_url, {"messages": [{"role": "user", "content": question}], "max_tokens": 400})
    print("answer", answer.id)

    answer.wait_for(lambda answer: len(answer.thinking) > 20)
    paused = answer.order("pause")
    if "error" in paused:
        print("too late to steer:", paused["error"]["reason"])
    else:
        print("paused at token", paused["at_token"])
        # While it is paused nothing is written, so all of these concern the same place.
        changed = answer.order("set", changes={"temperature": 0.2})
        print("temperature", changed["old"]["temperature"], "->", changed["new"]["temperature"])
        forked = answer.order("fork", n=1, changes={"temperature": 1.2})
        print("forked", forked["ids"] if "ids" in forked else forked["error"]["reason"])
        print("resumed at token", answer.order("resume")["at_token"])
        skipped = answer.order("reasoning_end")
        print("thinking was",
              "cut at token %d" % skipped["at_token"] if "at_token" in skipped else skipped["error"]["reason"])
        for id in forked.get("ids", []):
            with urllib.request.urlopen(f"{base_url}/v1/generations/{id}/result?wait=600") as response:
                print("fork:", json.load(response)["choices"][0]["message"]["content"].strip())

    answer.reader.join()
    print("answer:", answer.text.strip())
    print("ended with", answer.finish_reason)


if __name__ == "__main__":
    main(*sys.argv[1:])
