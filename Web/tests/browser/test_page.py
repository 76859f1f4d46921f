"""What must hold in a real browser against the real server, whatever happens in between.

Section 3.2 of the design of the page lists the rows; each test names the rule that it checks.
"""

import os
import signal
import unittest

import harness
from harness import ENDLESS, LENGTH


class StreamTests(harness.PageTest):
    """Lost connections, reloads and tabs."""

    def test_a_reload_at_any_moment_loses_and_repeats_nothing(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        for count in (0, 1_500, 20_000):
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
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 3)

    def test_twenty_reloads_during_one_answer_lose_and_repeat_nothing(self):
        tab = self.open()
        self.set(tab, **{**LENGTH, "max_tokens": 300})
        self.proxy.hold()
        conversation, answer = self.ask(tab, "Tell me about twenty birds")
        generation = self.wait_generation(tab, answer)
        seen = []
        for moment in range(20):
            # Each page gets the head of a response and a few events of another number of bytes.
            self.proxy.allow(2_000 + 61 * moment)
            tab.wait_for_function("([id, cursor]) => martletEngine.message(id).stream.cursor !== cursor",
                                  arg=[answer, seen[-1][0] if seen else None])
            self.proxy.wait_spent()
            # Every fourth page disappears before its text is saved, and the next one reads the same events.
            if moment % 4 != 3:
                self.wait_saved(tab, answer)
            self.reload(tab)
            tab.wait_for_function("id => martletEngine.message(id)", arg=answer)
            message = self.message(tab, answer)
            seen.append((message["stream"]["cursor"], message["reasoning"], message["text"]))
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        final = self.assert_exact(tab, answer, generation)
        for _, reasoning, text in seen:
            self.assertTrue(final["reasoning"].startswith(reasoning) and final["text"].startswith(text))
        # The reloads met the answer at many places, not one place many times.
        self.assertGreaterEqual(len({cursor for cursor, _, _ in seen}), 12)
        self.assertEqual(tab.evaluate("id => martletEngine.thread(id).messages.length", conversation), 2)
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 1)

    def test_a_reset_and_a_dead_port_are_read_on_from(self):
        tab = self.open()
        _, answer, _ = self.ask_held(tab, "Tell me a story", 3_000)
        self.proxy.cut()
        self.proxy.allow(3_000)
        self.proxy.wait_spent()
        self.proxy.down()
        tab.wait_for_function("id => martletEngine.stream(id)?.connection === 'lost'", arg=answer)
        tab.locator("[data-status]", has_text="Reconnecting").wait_for()
        self.proxy.up()
        self.proxy.release()
        # The page would try again by itself, as it did after the reset; the button does not wait. It may be gone by now.
        tab.evaluate("() => [...document.querySelectorAll('[data-status] button')].forEach(button => button.click())")
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)
        self.assertEqual(tab.locator("[data-status]", has_text="Reconnecting").count(), 0)

    def test_a_connection_that_delivers_nothing_is_left(self):
        tab = self.open()
        _, answer, _ = self.ask_held(tab, "Tell me a story", 2_000)
        self.proxy.stall()
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)

    def test_a_closed_tab_finds_its_answer_complete(self):
        tab = self.open()
        conversation, answer, generation = self.ask_held(tab, "Tell me a story", 2_000)
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
        first, answer, _ = self.ask_held(tab, "The first story", 2_000)
        self.proxy.release()
        _, second = self.ask(tab, "The second story")
        for _ in range(5):
            self.show(tab, first)
            tab.evaluate("() => { location.hash = '#/'; }")
        self.show(tab, first)
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
        self.shorten(second, answer)
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
        self.wait_saved(tab, answer)
        self.proxy.up()
        self.reload(tab)
        self.show(tab, conversation)
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
        self.stop(tab, answer)
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
        self.show(tab, conversation)
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
            self.show(tab, conversation)
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
        """An answer that is unfinished, however fast the machine is: it has no end, and it is paused."""
        self.set(tab, **ENDLESS)
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
        return answer, self.wait_state(tab, answer, "paused")

    def goes_on(self, tab, answer, before):
        """The answer is longer than before, begins with the text from before, and is that of the server."""
        self.wait_text(tab, answer, len(before["text"] + before["reasoning"]) + 100)
        self.stop(tab, answer)
        after = self.assert_exact(tab, answer)
        self.assertTrue((after["reasoning"] + after["text"]).startswith(before["reasoning"] + before["text"]))

    def test_a_killed_worker_is_replaced_and_the_answer_goes_on(self):
        tab = self.open()
        answer, message = self.paused_answer(tab)
        for worker in self.server.workers():
            os.kill(worker, signal.SIGKILL)
        tab.evaluate("id => martletEngine.resume(id)", answer)
        self.goes_on(tab, answer, message)

    def test_a_killed_server_returns_and_the_answer_goes_on(self):
        tab = self.open()
        answer, message = self.paused_answer(tab)
        self.server.kill()
        tab.wait_for_function("id => martletEngine.stream(id)?.connection === 'lost'", arg=answer)
        self.server.start()
        tab.wait_for_function("id => martletEngine.stream(id)?.connection === 'live'", arg=answer)
        tab.evaluate("id => martletEngine.resume(id)", answer)
        self.goes_on(tab, answer, message)


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
        texts = [part for name, text in self.HOSTILE.items() for part in (name, text)]
        tab.evaluate("() => { window.pwned = () => { window.isPwned = true; }; }")
        self.load_chat(tab, "hostile", *texts, title="<img src=x onerror=pwned()>")
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
        self.load_chat(tab, "long", *(f"Message {number} with **bold** text, a list:\n\n- one\n- two\n" for number in range(1_000)))
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


class HistoryTests(harness.PageTest):
    """Two devices with one server that stores chats."""

    flags = ("--history",)

    def setUp(self):
        super().setUp()
        # The server is the same for all tests, and a test begins without chats.
        for chat in self.server.get("/v1/history")["data"]:
            self.server.delete("/v1/history/" + chat["id"])

    def test_a_running_answer_is_live_on_two_devices_and_the_chat_goes_on_on_either(self):
        desk = self.open()
        self.set(desk, **ENDLESS)
        conversation, answer = self.ask(desk, "Tell me a story without end")
        self.wait_text(desk, answer)
        # Paused while the other device opens: the answer must not fill the context, however fast the machine is.
        desk.evaluate("id => martletEngine.pause(id)", answer)
        phone = self.open(f"#/c/{conversation}", self.new_context())
        self.wait_text(phone, answer)
        phone.evaluate("id => martletEngine.resume(id)", answer)
        length = len(self.message(phone, answer)["text"] + self.message(phone, answer)["reasoning"])
        self.wait_text(phone, answer, length + 50)
        phone.locator("[data-action=stop]").first.click()
        for tab in (desk, phone):
            self.wait_state(tab, answer, "stopped")
            self.assert_exact(tab, answer)
        self.shorten(desk, answer)
        phone.wait_for_function("id => martletEngine.message(id).text === 'Once.'", arg=answer)
        self.set(phone, ignore_eos=True, max_tokens=8)
        phone.locator("[data-composer]").fill("And then?")
        phone.locator("[data-action=send]").click()
        desk.wait_for_function(
            "id => { const all = martletEngine.thread(id).messages;"
            " return all.length === 4 && all[3].state === 'done'; }", arg=conversation)
        texts = "id => martletEngine.thread(id).messages.map(one => one.text)"
        self.assertEqual(desk.evaluate(texts, conversation), phone.evaluate(texts, conversation))
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 2)
        # A removal reaches the other device.
        desk.evaluate("id => martletEngine.removeConversations([id])", conversation)
        phone.wait_for_function("() => martletEngine.conversations().length === 0")
        self.assertEqual(self.server.get("/v1/history")["data"], [])

    def test_a_temporary_chat_leaves_nothing(self):
        tab = self.open()
        self.set(tab, **LENGTH)
        tab.locator("[data-action=temporary]").click()
        tab.get_by_role("heading", name="A temporary chat").wait_for()
        tab.locator("[data-composer]").fill("A secret question")
        tab.locator("[data-action=send]").click()
        tab.locator("[data-role=assistant][data-state=done]").wait_for()
        stored = tab.evaluate("""async () => {
            const base = await new Promise(done => {
                indexedDB.open('martlet').onsuccess = event => done(event.target.result);
            });
            const all = {};
            for (const store of base.objectStoreNames) {
                all[store] = await new Promise(done => {
                    base.transaction(store).objectStore(store).getAll().onsuccess = event => done(event.target.result);
                });
            }
            base.close();
            return all;
        }""")
        for store in ("conversations", "messages", "queue", "drafts", "blobs", "leases", "bases"):
            self.assertEqual(stored[store], [], store)
        self.assertEqual(self.server.get("/v1/history")["data"], [])
        asked = []
        tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
        self.reload(tab)
        self.assertEqual(asked, ["beforeunload"])
        self.assertEqual(tab.evaluate("() => martletEngine.conversations().length"), 0)


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
