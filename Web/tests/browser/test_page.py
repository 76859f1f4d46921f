"""What must hold in a real browser against the real server, whatever happens in between.

Section 3.2 of the design of the page lists the rows; each test names the rule that it checks.
"""

import json
import os
import signal
import unittest

import harness

# An answer of a known length: the demo model would end earlier.
LENGTH = {"ignore_eos": True, "max_tokens": 120, "temperature": 0.7}
# An answer that only a stop ends.
ENDLESS = {"ignore_eos": True, "max_tokens": -1}


class StreamTests(harness.PageTest):
    """Lost connections, reloads and tabs."""

    def test_a_reload_at_any_moment_loses_and_repeats_nothing(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        for count in (0, 300, 1_500, 6_000, 20_000):
            with self.subTest(bytes=count):
                self.proxy.hold()
                conversation, answer = self.ask(tab, f"Tell me about {count} birds")
                generation = self.wait_generation(tab, answer)
                self.proxy.allow(count)
                self.proxy.wait_spent()
                before = self.message(tab, answer)
                self.reload(tab)
                tab.wait_for_function("id => martletEngine.message(id)", arg=answer)
                after = self.message(tab, answer)
                # A reload saves the text at the last moment or half a second before; it never shows less at the end.
                self.assertTrue(before["text"].startswith(after["text"]) or after["text"].startswith(before["text"]))
                self.proxy.release()
                self.wait_state(tab, answer, "done")
                message = self.assert_exact(tab, answer, generation)
                self.assertEqual(message["finishReason"], "length")
                roles = tab.evaluate("id => martletEngine.thread(id).messages.map(one => one.role)", conversation)
                self.assertEqual(roles, ["user", "assistant"])
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 5)

    def test_a_reset_and_a_dead_port_are_read_on_from(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        self.proxy.hold()
        _, answer = self.ask(tab, "Tell me a story")
        self.wait_generation(tab, answer)
        self.proxy.allow(3_000)
        self.proxy.wait_spent()
        self.proxy.cut()
        self.proxy.allow(3_000)
        self.proxy.wait_spent()
        self.proxy.down()
        tab.wait_for_function("id => martletEngine.stream(id)?.connection === 'lost'", arg=answer)
        tab.locator("[data-status]", has_text="Reconnecting").wait_for()
        self.proxy.up()
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)
        self.assertEqual(tab.locator("[data-status]", has_text="Reconnecting").count(), 0)

    def test_a_connection_that_delivers_nothing_is_left(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        self.proxy.hold()
        _, answer = self.ask(tab, "Tell me a story")
        self.wait_generation(tab, answer)
        self.proxy.allow(2_000)
        self.proxy.wait_spent()
        self.proxy.stall()
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)

    def test_a_closed_tab_finds_its_answer_complete(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        self.proxy.hold()
        conversation, answer = self.ask(tab, "Tell me a story")
        generation = self.wait_generation(tab, answer)
        self.proxy.allow(2_000)
        self.proxy.wait_spent()
        tab.close(run_before_unload=True)
        self.server.result(generation)
        self.proxy.release()
        again = self.open(f"#/c/{conversation}")
        self.wait_state(again, answer, "done")
        message = self.assert_exact(again, answer)
        again.wait_for_function("id => document.querySelector(`[data-message='${id}'] [data-text]`)", arg=answer)
        self.assertGreater(len(message["text"]), 0)

    def test_another_conversation_in_between_disturbs_nothing(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        self.proxy.hold()
        first, answer = self.ask(tab, "The first story")
        self.wait_generation(tab, answer)
        self.proxy.allow(2_000)
        self.proxy.wait_spent()
        self.proxy.release()
        _, second = self.ask(tab, "The second story")
        for _ in range(5):
            tab.evaluate("id => { location.hash = '#/c/' + id; }", first)
            tab.evaluate("() => { location.hash = '#/'; }")
        tab.evaluate("id => { location.hash = '#/c/' + id; }", first)
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)
        tab.locator(f"[data-message='{answer}']").wait_for()
        self.assertEqual(tab.locator(f"[data-message='{second}']").count(), 0)
        tab.wait_for_function("id => martletEngine.conversations().every(row => row.activity !== 'running')", arg=second)

    def test_two_tabs_show_one_answer_and_either_stops_it(self):
        first = self.open()
        self.set(first, **ENDLESS)
        conversation, answer = self.ask(first, "Tell me a story without end")
        self.wait_text(first, answer)
        second = self.open(f"#/c/{conversation}")
        self.wait_text(second, answer)
        second.locator("[data-action=stop]").first.click()
        for tab in (first, second):
            self.wait_state(tab, answer, "stopped")
        self.assert_exact(first, answer)
        self.assert_exact(second, answer)
        # What one tab sends appears in the other, once.
        second.evaluate("id => martletEngine.setSetting(null, 'max_tokens', 8)", conversation)
        second.locator("[data-composer]").fill("And then?")
        second.locator("[data-action=send]").click()
        first.wait_for_function(
            "id => { const all = martletEngine.thread(id).messages;"
            " return all.length === 4 && all[3].state === 'done'; }", arg=conversation)

    def test_the_other_tab_reads_on_when_the_first_one_dies(self):
        first = self.open()
        self.set(first, **LENGTH)
        self.proxy.hold()
        conversation, answer = self.ask(first, "Tell me a story")
        self.wait_generation(first, answer)
        self.proxy.allow(2_000)
        self.proxy.wait_spent()
        second = self.open(f"#/c/{conversation}")
        second.wait_for_function("id => martletEngine.stream(id)?.connection === 'followed'", arg=answer)
        first.close()
        self.proxy.release()
        self.wait_state(second, answer, "done")
        self.assert_exact(second, answer)
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 1)


class ControlTests(harness.PageTest):
    """Stop, skip, and many answers at once."""

    def test_stop_ends_an_answer_at_once_and_keeps_its_text(self):
        tab = self.open()
        self.set(tab, **ENDLESS)
        _, answer = self.ask(tab, "Tell me a story without end")
        self.wait_text(tab, answer, 200)
        # The page leaves the running state in the same task as the click.
        left = tab.evaluate("""id => {
            document.querySelector('[data-action=stop]').click();
            return martletEngine.message(id).state;
        }""", answer)
        self.assertEqual(left, "stopping")
        self.wait_state(tab, answer, "stopped")
        self.assert_exact(tab, answer)
        tab.locator(f"[data-message='{answer}'] [data-action=continue]").wait_for()

    def test_stop_after_a_reload_and_while_the_network_is_away(self):
        tab = self.open()
        self.set(tab, **ENDLESS)
        conversation, answer = self.ask(tab, "Tell me a story without end")
        self.wait_text(tab, answer)
        self.proxy.down()
        tab.evaluate("id => martletEngine.stop(id)", answer)
        self.assertEqual(self.message(tab, answer)["state"], "stopping")
        self.proxy.up()
        self.reload(tab)
        tab.evaluate("id => { location.hash = '#/c/' + id; }", conversation)
        self.wait_state(tab, answer, "stopped")
        self.assert_exact(tab, answer)

    def test_skip_ends_the_reasoning_and_the_answer_follows(self):
        tab = self.open()
        # The model cannot end its reasoning by itself.
        self.set(tab, max_tokens=-1, logit_bias=[["</think>", False]], ignore_eos=True)
        _, answer = self.ask(tab, "Count from 1 to 5")
        self.wait_state(tab, answer, "reasoning")
        tab.locator("[data-action=skip]").first.click()
        self.wait_state(tab, answer, "answering")
        message = self.message(tab, answer)
        self.assertTrue(message["isReasoningSkipped"])
        self.assertNotEqual(message["reasoning"], "")
        tab.evaluate("id => martletEngine.stop(id)", answer)
        self.wait_state(tab, answer, "stopped")
        self.assert_exact(tab, answer)

    def test_pause_rewind_and_resume_are_seen_by_every_tab(self):
        tab = self.open()
        self.set(tab, **ENDLESS)
        conversation, answer = self.ask(tab, "Tell me a story without end")
        tab.wait_for_function("id => martletEngine.message(id)?.text.length > 120", arg=answer)
        tab.evaluate("id => martletEngine.pause(id)", answer)
        paused = self.wait_state(tab, answer, "paused")
        other = self.open(f"#/c/{conversation}")
        self.wait_state(other, answer, "paused")
        # Long enough to be in the text once: a rewind goes to the last occurrence.
        kept = paused["text"][:80]
        tab.evaluate("([id, kept]) => martletEngine.rewindAndEdit(id, kept, ' The moon')", [answer, kept])
        tab.wait_for_function("([id, kept]) => martletEngine.message(id).text.startsWith(kept + ' The moon')",
                              arg=[answer, kept])
        # A reload forgets where the events began: the page reads the stream again.
        self.reload(tab)
        tab.evaluate("id => { location.hash = '#/c/' + id; }", conversation)
        tab.wait_for_function("id => martletEngine.message(id)", arg=answer)
        tab.evaluate("id => martletEngine.resume(id)", answer)
        tab.evaluate("id => martletEngine.stop(id)", answer)
        for one in (tab, other):
            self.wait_state(one, answer, "stopped")
            self.assert_exact(one, answer)

    def test_six_answers_at_once_hold_two_streams_and_stop_is_not_behind_them(self):
        tab = self.open()
        self.set(tab, **ENDLESS)
        asked = [self.ask(tab, f"Story {number} without end") for number in range(6)]
        tab.wait_for_function(
            "() => martletEngine.conversations().filter(row => row.activity === 'running').length === 6")
        for _, answer in asked[:4]:
            self.wait_generation(tab, answer)
        self.wait_streams(2)
        for conversation, answer in reversed(asked):
            tab.evaluate("id => { location.hash = '#/c/' + id; }", conversation)
            tab.wait_for_function("id => martletEngine.message(id)?.stream?.generation", arg=answer)
            tab.evaluate("id => martletEngine.stop(id)", answer)
            self.wait_state(tab, answer, "stopped")
            self.assert_exact(tab, answer)
        tab.wait_for_function("() => martletEngine.conversations().every(row => row.activity !== 'running')")

    def test_a_queued_message_survives_a_reload_and_is_sent_once(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        self.proxy.hold()
        conversation, answer = self.ask(tab, "The first question")
        self.wait_generation(tab, answer)
        tab.locator("[data-composer]").fill("The second question")
        tab.locator("[data-composer]").press("Control+Enter")
        tab.wait_for_function("id => martletEngine.thread(id).queue.length === 1", arg=conversation)
        self.reload(tab)
        tab.wait_for_function("id => martletEngine.thread(id)?.queue.length === 1", arg=conversation)
        self.proxy.release()
        tab.wait_for_function(
            "id => { const all = martletEngine.thread(id).messages;"
            " return all.length === 4 && all[3].state === 'done'; }", arg=conversation)
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 2)


class DeathTests(harness.PageTest):
    """Processes that die in the middle of an answer."""

    def paused_answer(self, tab):
        """An answer that is certainly unfinished: it is paused."""
        self.set(tab, **{**LENGTH, "max_tokens": 400})
        _, answer = self.ask(tab, "Tell me a long story")
        tab.evaluate("""id => new Promise(resolve => {
            const pause = () => {
                const one = martletEngine.message(id);
                if (!one?.stream?.generation) return;
                end();
                resolve(martletEngine.pause(id));
            };
            const end = martletEngine.subscribe('message/' + id, pause);
            pause();
        })""", answer)
        return answer, self.wait_state(tab, answer, "paused", "done")

    def test_a_killed_worker_is_replaced_and_the_answer_goes_on(self):
        tab = self.open()
        answer, message = self.paused_answer(tab)
        self.assertEqual(message["state"], "paused")
        for worker in self.server.workers():
            os.kill(worker, signal.SIGKILL)
        tab.evaluate("id => martletEngine.resume(id)", answer)
        self.wait_state(tab, answer, "done")
        self.assertEqual(self.assert_exact(tab, answer)["finishReason"], "length")

    def test_a_killed_server_returns_and_the_answer_goes_on(self):
        tab = self.open()
        answer, message = self.paused_answer(tab)
        self.assertEqual(message["state"], "paused")
        self.server.kill()
        tab.wait_for_function("id => martletEngine.stream(id)?.connection === 'lost'", arg=answer)
        self.server.start()
        tab.wait_for_function("id => martletEngine.stream(id)?.connection === 'live'", arg=answer)
        tab.evaluate("id => martletEngine.resume(id)", answer)
        self.wait_state(tab, answer, "done")
        self.assertEqual(self.assert_exact(tab, answer)["finishReason"], "length")


class ContentTests(harness.PageTest):
    """Hostile texts, many messages, a full storage."""

    HOSTILE = {
        "deep quotes": "> " * 5_000 + "end",
        "deep lists": "".join("  " * level + "1. x\n" for level in range(300)),
        "stars": "***a " * 5_000,
        "brackets": "[" * 5_000 + "a" + "](b)" * 5_000,
        "table": "|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n" + ("|" + "b|" * 300 + "\n") * 40,
        "backticks": "`" * 4_999 + " a " + "`" * 5_000,
        "links": "[a](javascript:pwned()) <javascript:pwned()> [b](JaVaScRiPt:pwned()) [c](data:text/html,<script>pwned()</script>)"
                 " [d](vbscript:x) [e](&#106;avascript:pwned()) ![f](javascript:pwned())",
        "html": "<script>pwned()</script><img src=x onerror=pwned()><svg onload=pwned()></svg><iframe srcdoc='<script>1</script>'>"
                "</iframe><math href=javascript:pwned()>x</math><style>*{display:none}</style><base href=//evil.test/>",
        "remote image": "![x](http://evil.test/pixel.png)",
        "direction": "a \u202e txt.exe \u2066 b \u2069 \u200f c",
        "math": "$$\\def\\a{\\a\\a}\\a$$ $\\href{javascript:pwned()}{x}$ $" + "{" * 3_000 + "$",
        "fence": "````\n" + "x" * 200_000,
    }

    def test_hostile_texts_neither_hang_nor_inject(self):
        tab = self.open()
        lines = [{"type": "martlet.conversation", "conversation": {"id": "hostile", "title": "<img src=x onerror=pwned()>",
                                                                    "createdAt": 1, "updatedAt": 2}}]
        parent = None
        for number, (name, text) in enumerate(self.HOSTILE.items()):
            for role in ("user", "assistant"):
                identifier = f"hostile-{number}-{role}"
                lines.append({"type": "martlet.message", "message": {
                    "id": identifier, "parent": parent, "role": role, "createdAt": 1, "state": "done",
                    "text": name if role == "user" else text}})
                parent = identifier
        text = "\n".join(json.dumps(line) for line in lines)
        tab.evaluate("() => { window.pwned = () => { window.isPwned = true; }; }")
        tab.evaluate("async text => (await martletEngine.readImport('x', text)).commit()", text)
        tab.evaluate("() => { location.hash = '#/c/hostile'; }")
        tab.wait_for_function(
            "count => document.querySelectorAll('[data-message] [data-text]').length >= count", arg=len(self.HOSTILE))
        # The page answers: its main thread is free.
        tab.locator("[data-composer]").fill("still here")
        self.assertEqual(tab.locator("[data-composer]").input_value(), "still here")
        self.assertFalse(tab.evaluate("() => window.isPwned === true"))
        found = tab.evaluate("""() => [...document.querySelectorAll('[data-text] *')].flatMap(element => {
            const bad = [];
            if (['SCRIPT', 'IFRAME', 'STYLE', 'BASE', 'OBJECT', 'EMBED', 'FORM', 'META', 'LINK'].includes(element.tagName))
                bad.push(element.tagName);
            for (const attribute of element.attributes) {
                if (attribute.name.startsWith('on')) bad.push(attribute.name);
                if (/^(href|src|xlink:href)$/.test(attribute.name)
                    && !/^(https?:|mailto:|blob:|data:image\\/|#)/i.test(attribute.value)) bad.push(attribute.value);
            }
            return bad;
        })""")
        self.assertEqual(found, [])

    def test_a_thousand_messages_open_and_the_text_box_answers(self):
        tab = self.open()
        lines = [{"type": "martlet.conversation", "conversation": {"id": "long", "title": "Long", "createdAt": 1,
                                                                    "updatedAt": 2}}]
        for number in range(1_000):
            lines.append({"type": "martlet.message", "message": {
                "id": f"long-{number:04}", "parent": f"long-{number - 1:04}" if number else None,
                "role": "assistant" if number % 2 else "user", "createdAt": number, "state": "done",
                "text": f"Message {number} with **bold** text, a list:\n\n- one\n- two\n"}})
        text = "\n".join(json.dumps(line) for line in lines)
        tab.evaluate("async text => (await martletEngine.readImport('x', text)).commit()", text)
        tab.evaluate("() => { location.hash = '#/c/long'; }")
        tab.locator("[data-message='long-0999']").wait_for()
        tab.locator("[data-composer]").fill("typed")
        self.assertEqual(tab.locator("[data-composer]").input_value(), "typed")
        # Find in page must find every message, so every message comes into the document.
        tab.wait_for_function("() => document.querySelectorAll('[data-message]').length === 1000")

    def test_a_full_storage_is_shown_and_the_text_stays(self):
        tab = self.open()
        self.set(tab, **{**LENGTH, "max_tokens": 30})
        # What Chromium throws when the quota of an origin is used up.
        tab.evaluate("""() => {
            window.realPut = IDBObjectStore.prototype.put;
            IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };
        }""")
        _, answer = self.ask(tab, "Hello")
        self.wait_state(tab, answer, "done")
        tab.wait_for_function("() => martletEngine.server().storageProblem !== null")
        self.assert_exact(tab, answer)
        self.assertIn("full", tab.evaluate("() => martletEngine.server().storageProblem"))
        tab.get_by_text("storage of this browser is full").first.wait_for()
        tab.evaluate("() => { IDBObjectStore.prototype.put = window.realPut; }")
        _, answer = self.ask(tab, "Hello again")
        self.wait_state(tab, answer, "done")
        tab.wait_for_function("() => martletEngine.server().storageProblem === null")


class KeyTests(harness.PageTest):
    """A server with a key."""

    flags = ("--api-key", "a-secret-key")

    def test_the_page_asks_for_the_key_and_goes_on(self):
        tab = self.open()
        tab.wait_for_function("() => martletEngine.server().status === 'keyNeeded'")
        tab.evaluate("() => martletEngine.setKey('wrong', 'session')")
        tab.wait_for_function("() => martletEngine.server().status === 'keyRefused'")
        tab.evaluate("() => martletEngine.setKey('a-secret-key', 'session')")
        tab.wait_for_function("() => martletEngine.server().status === 'ready'")
        self.set(tab, max_tokens=5)
        _, answer = self.ask(tab, "Hello")
        self.wait_state(tab, answer, "done")
        self.reload(tab)
        tab.wait_for_function("() => martletEngine.server().status === 'ready'")
        other = self.open(context=self.new_context())
        other.wait_for_function("() => martletEngine.server().status === 'keyNeeded'")


if __name__ == "__main__":
    unittest.main(verbosity=2)
