"""Uses `martlet chat` as a person at a terminal does, with a server that says what this script wants.

usage: chat_terminal.py MARTLET
Prints "all checks passed".
"""
import json
import os
import signal
import tempfile

from scripted_chat import END, SECONDS, Chat, applied, chunk, progress

# No wait of this script is longer than this, that for a stopped process included.
signal.alarm(800)


def conversation(columns, state):
    """Commands during a response, at a width."""
    chat = Chat(columns, state)
    say = chat.script.streams[0].put
    try:
        chat.expect("no-history" if columns > 60 else "/help")
        chat.expect_last(">")
        chat.press("hello\r")
        assert chat.asked() == [("user", "hello")] and chat.script.resumable == [True]
        say("data: " + json.dumps({
            "choices": [{"delta": {}}], "load_progress": {"status": "loading", "fraction": 0.6}}) + "\n\n")
        chat.expect_last("loading 60 %", ">")
        say(progress(total=10, processed=0, queue_position=2))
        chat.expect_last("waiting, 2 before you", ">")
        say(progress(total=10, processed=4))
        chat.expect_last("reading the prompt 40 %", ">")
        say(chunk(reasoning_content="hmm"))
        chat.expect("hmm")
        # A stray Enter, an arrow and a typed word do not switch commands off, and the word is visible.
        chat.press("\r\x1b[A\x1b[B typed")
        chat.expect_last(">  typed")
        say(chunk(content="One two"))
        chat.expect_last("One two", ">  typed")
        chat.press("\x15")
        chat.expect_last("One two", ">")
        chat.command("\x1b", {"action": "reasoning_end"})
        chat.command("/pause\r", {"action": "pause"})
        chat.expect_last("paused; /resume continues", ">")
        chat.command("/temp 0.2\r", {"action": "set", "changes": {"temperature": 0.2}})
        chat.expect("(temperature 0.2)")
        chat.command("/resume\r", {"action": "resume"})
        # Output goes on while a line is written.
        chat.press("/rewind On")
        chat.expect_last("> /rewind On")
        say(chunk(content=" three"))
        chat.expect("three")
        chat.command("e\r", {"action": "rewind", "to_text": "One"})
        # A token may reach beyond the requested place: then it is removed as a whole.
        say(applied("rewind", content_bytes=2) + chunk(content="ly more"))
        chat.expect("(back)")
        chat.expect("Only more")
        chat.command("/say Be brief.\r", {
            "action": "inject", "role": "user", "content": "Be brief.", "when": "sentence"})
        say(chunk(content=".") + applied("inject") + chunk(content="Yes."))
        chat.expect("> Be brief.")
        chat.expect("Yes.")
        chat.press("/model x\r")
        chat.expect("/model must wait")
        chat.press("/modle\r")
        chat.expect("/model?")
        chat.command("/fork\r", {"action": "fork"})
        chat.expect("(forked)")
        say(END)
        say(None)
        chat.expect("(version 2)")
        chat.script.streams[1].put(chunk(content="Otherwise."))
        chat.expect("Otherwise.")
        chat.script.streams[1].put(None)
        chat.expect("10 tokens, 10.0 tokens/s, 1.0 s")
        chat.expect("/keep 2")
        chat.press("/keep 2\r")
        chat.expect_words("with version 2.")
        chat.press("/keep 1\r")
        chat.expect_words("with version 1.")
        # Commands before the first event are retained.
        chat.script.open.clear()
        chat.press("and?\r")
        assert chat.asked() == [
            ("user", "hello"), ("assistant", "Only more."), ("user", "Be brief."), ("assistant", "Yes."),
            ("user", "and?")]
        chat.press("/pause\r")
        chat.expect("commands wait")
        chat.script.open.set()
        assert chat.script.commands.get(timeout=SECONDS) == {"action": "pause"}
        chat.script.streams[2].put(chunk(content="Well"))
        chat.expect("Well")
        chat.press("\x03")
        assert chat.script.stopped.get(timeout=SECONDS) == "/v1/generations/chatcmpl-2"
        chat.expect("(stopped)")
        # A Ctrl-C that comes a moment late does not leave, nor does one behind another key.
        chat.press("\x03")
        chat.expect_words("another Ctrl-C")
        chat.press("x\x7f\x03")
        chat.expect_words("another Ctrl-C", 2)
        chat.press("\x03")
        assert chat.process.wait(SECONDS) == 0
    finally:
        chat.process.kill()


def editing(columns, state):
    """Wide text, pasted text, several lines, completion, stored conversations, Ctrl-Z and a new size."""
    chat = Chat(columns, state)
    try:
        chat.expect("hello")  # The greeting offers the last conversation.
        chat.expect_last(">")
        # The history of the process before.
        chat.press("\x1b[A\x1b[A\x1b[A")
        chat.until(lambda screen: screen.lines[-1] != ">", "a line of the history")
        chat.press("\x15\x12hel")
        chat.expect_last("(search 'hel') hello")
        chat.press("\x1b")
        chat.expect_last(">")
        chat.press("\x1b[200~one\rtwo\x1b[201~\\\rthree\x1b\rfour 世界🎉\r")
        assert chat.asked() == [("user", "one\ntwo\nthree\nfour 世界🎉")]
        say = chat.script.streams[0].put
        words = "日本語の文字と words of several lengths and 🎉🎉 emoji " * 3
        for piece in (words[index:index + 5] for index in range(0, len(words), 5)):
            say(chunk(content=piece))
        say(chunk(content="\n```\n" + "x" * (columns + 7) + "\n```\nend"))
        chat.expect("end")
        assert max(sum(width for width in map(lambda c: 2 if ord(c) > 0x2E80 else 1, line)) for line in
                   chat.screen.lines) <= columns
        assert any("lengths" in line for line in chat.screen.lines), "a word was cut"
        assert "x" * columns + "\n" + "x" * 7 in chat.screen.text
        # What is typed below does not touch the text.
        before = chat.screen.lines[:-2]
        chat.press("typed")
        chat.expect_last("end", "> typed")
        assert chat.screen.lines[: len(before)] == before
        say(END)
        say(None)
        chat.expect("10.0 tokens/s")
        chat.press("\x15/mo\t")
        chat.expect_last("> /model")
        chat.press("se\t\r")
        chat.expect("Model: second")
        chat.press("/set max_tokens 5\r/save notes\r")
        chat.expect("Stored as notes.")
        # Ctrl-Z stops the process, as a shell expects; SIGCONT continues it.
        chat.press("\x1a")
        os.waitid(os.P_PID, chat.process.pid, os.WSTOPPED)
        os.kill(chat.process.pid, signal.SIGCONT)
        chat.press("/new\r")
        chat.expect("A new conversation.")
        chat.press("/load nots\r")
        chat.expect("'notes'?")
        chat.press("/load notes\r")
        # The turns of the conversation are shown again, dimmed and as Markdown was written.
        chat.expect("(conversation notes)\n> one")
        chat.until(lambda screen: screen.text.count("```\nend") == 2, "the end of the loaded conversation")
        assert "\x1b[2m> one" in chat.raw, repr(chat.raw[-2_000:])
        chat.press("next\r")
        request = chat.script.asked.get(timeout=SECONDS)
        assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user"], request
        assert request["max_tokens"] == 5 and request["model"] == "second", request
        for text in (chunk(content="Last."), END, None):
            chat.script.streams[2].put(text)
        # A response without text would return the message to the input line, and Ctrl-D leaves on an empty line only.
        chat.until(lambda screen: screen.text.count("10.0 tokens/s") == 2, "end of the response")
        chat.press("\x04")
        assert chat.process.wait(SECONDS) == 0
    finally:
        chat.process.kill()


def between(columns, state):
    """Commands between responses, quoted messages, a late message, and leaving as elsewhere."""
    chat = Chat(columns, state)
    streams = chat.script.streams
    try:
        chat.expect_last(">")
        # Nothing runs, so an order for a response says so.
        chat.press("/pause\r")
        chat.expect_words("no running response")
        chat.press('"""\rprint("世界")\r  🎉\r"""\r')
        assert chat.asked() == [("user", 'print("世界")\n  🎉')]
        for text in (chunk(content="One. Two. Three."), END, None):
            streams[0].put(text)
        chat.expect("10.0 tokens/s")
        chat.press("/temp 0.2\r")
        chat.expect("temperature = 0.2")
        chat.press("/rewind Two.\r")
        chat.until(lambda screen: "One." in screen.lines and "(back)" in screen.text, "the text before the place")
        # Written for the response that has ended meanwhile: the next message.
        chat.press("/say And then?\r")
        request = chat.script.asked.get(timeout=SECONDS)
        assert request["temperature"] == 0.2, request
        assert [message["content"] for message in request["messages"][1:]] == ["One. ", "And then?"], request
        for text in (chunk(content="Four."), END, None):
            streams[2].put(text)
        chat.expect("Four.")
        chat.expect_words("10.0 tokens/s", 2)
        chat.press("/retry\r")
        assert chat.asked()[-1] == ("user", "And then?")
        for text in (chunk(content="Five."), END, None):
            streams[3].put(text)
        chat.expect("Five.")
        chat.expect_words("10.0 tokens/s", 3)
        chat.press("/model secnd\r")
        chat.expect("second")
        # A model that is not loaded is loaded, with its progress.
        chat.script.second = {"phase": "loading", "fraction": 0.6}
        chat.press("/model second\r")
        chat.expect("loading 60 %")
        chat.script.second = {"phase": "ready"}
        chat.expect("Model: second")
        chat.press("/list\r")
        chat.expect("2 messages")
        chat.press("/fork\r")
        chat.expect_words("no running response", 2)
        chat.press("/clear\r")
        chat.expect("A new conversation.")
        chat.press("/exit\r" if columns < 60 else "/bye\r")
        assert chat.process.wait(SECONDS) == 0
    finally:
        chat.process.kill()


def plain(state):
    """NO_COLOR has no styles; a dumb terminal has no sequences at all."""
    chat = Chat(80, state, NO_COLOR="1")
    try:
        chat.expect_last(">")
        chat.press("hi\r")
        chat.asked()
        chat.script.streams[0].put(chunk(reasoning_content="hm", content="**yes**"))
        chat.expect("**yes**")
        assert "\x1b[0m" not in chat.raw and "\x1b[2m" not in chat.raw
        chat.script.streams[0].put(END)
        chat.script.streams[0].put(None)
        chat.expect("(10 tokens")
        chat.expect_last(">")
        chat.press("\x04")
        assert chat.process.wait(SECONDS) == 0
    finally:
        chat.process.kill()
    chat = Chat(80, state, TERM="dumb")
    try:
        chat.expect_last(">")
        chat.press("/nonsense\nhi\n")
        chat.expect("unknown command /nonsense")
        chat.script.streams[0].put(chunk(content="yes"))
        chat.script.streams[0].put(None)
        chat.expect("yes")
        chat.press("/quit\n")
        assert chat.process.wait(SECONDS) == 0
        assert "\x1b" not in chat.raw
    finally:
        chat.process.kill()


def main():
    with tempfile.TemporaryDirectory() as state:
        conversation(40, state)
        editing(40, state)
    for columns in (40, 100):
        with tempfile.TemporaryDirectory() as state:
            between(columns, state)
    with tempfile.TemporaryDirectory() as state:
        conversation(100, state)
        editing(100, state)
        folder = os.path.join(state, "martlet", "chats")
        kept = sorted(os.listdir(folder))
        assert all(os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600 for name in kept)
        assert "notes.json" in kept and len(kept) == 2, kept
        plain(state)
    print("all checks passed")


main()
