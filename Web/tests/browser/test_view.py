"""What a user sees and does: phases of an answer, the keyboard, a phone, models that load, and the storage."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from playwright.sync_api import sync_playwright

import harness
from harness import ENDLESS, LENGTH

try:
    from axe_playwright_python.sync_playwright import Axe
except ImportError:
    Axe = None

# A tool that the model must call.
TOOL = {"tool_choice": "required", "tools": [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city", "unit"]}}}]}
# Thoughts that only a skip or a stop ends.
THINKING = {"ignore_eos": True, "max_tokens": -1, "logit_bias": [["</think>", False]]}


def command_of(process):
    """The command line of a process, with a zero byte behind each word; empty if it has ended. Linux only."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def state_of(process):
    """The letter of the state of a process: T = stopped, Z = ended. Linux only."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return "Z"


def has_open(process, file):
    """Whether a process has opened or mapped a file. Linux only."""
    with contextlib.suppress(OSError):
        links = [os.path.realpath(link) for link in pathlib.Path(f"/proc/{process}/fd").iterdir()]
        return file in links or file in pathlib.Path(f"/proc/{process}/maps").read_text()
    return True


class PhaseTests(harness.PageTest):
    """Stop, skip and reload in each phase of an answer."""

    def reach(self, tab, answer, *states):
        """Lets the stream pass in pieces until the answer is in a state; it stands still then."""
        for _ in range(2_000):
            if self.message(tab, answer)["state"] in states:
                return
            self.proxy.allow(150)
            self.proxy.wait_spent()
            tab.evaluate("() => new Promise(done => setTimeout(done, 0))")
        self.fail(f"the answer was in none of the states {states}")

    def test_stop_in_each_phase_keeps_the_text_and_leaves_nothing_running(self):
        tab = self.open()
        phases = [("sending", "queued", "prompting"), ("reasoning",), ("answering",), ("tool",), ("paused",)]
        for states in phases:
            with self.subTest(states=states):
                for name, value in {"tools": None, "tool_choice": None, **ENDLESS, **(TOOL if states == ("tool",) else {})}.items():
                    tab.evaluate("([name, value]) => martletEngine.setSetting(null, name, value ?? undefined)", [name, value])
                self.proxy.hold()
                _, answer = self.ask(tab, "What is the weather in Lund?")
                generation = self.wait_generation(tab, answer)
                if states == ("paused",):
                    tab.evaluate("id => martletEngine.pause(id)", answer)
                    self.proxy.release()
                    self.wait_state(tab, answer, "paused")
                else:
                    self.reach(tab, answer, *states)
                tab.locator("[data-action=stop]").first.click()
                self.wait_state(tab, answer, "stopping", "stopped")
                self.proxy.release()
                self.wait_state(tab, answer, "stopped")
                self.assert_exact(tab, answer, generation)
                tab.locator(f"[data-message='{answer}'] [data-action=continue]").wait_for()
        tab.wait_for_function("() => martletEngine.conversations().every(row => row.activity !== 'running')")

    def test_a_reload_and_a_stop_while_an_answer_waits_for_its_turn(self):
        tab = self.open()
        self.set(tab, **ENDLESS)
        # The server writes four answers at once.
        running = [self.ask(tab, f"Story {number} without end")[1] for number in range(4)]
        ids = [self.wait_generation(tab, answer) for answer in running]
        self.wait_until(lambda: all(self.server.states()[one] == "running" for one in ids))
        conversation, answer = self.ask(tab, "A question that waits")
        generation = self.wait_generation(tab, answer)
        for _ in range(2):
            self.wait_state(tab, answer, "queued")
            tab.locator(f"[data-message='{answer}'] [data-status]", has_text="Waiting for a free slot").wait_for()
            self.reload(tab)
            tab.locator(f"[data-message='{answer}']").wait_for()
        self.assertEqual(self.server.states()[generation], "queued")
        tab.locator("[data-action=stop]").first.click()
        self.wait_state(tab, answer, "stopped")
        self.assertNotIn(self.server.states()[generation], ("queued", "running"))
        # It can be asked again, and goes on by itself when another answer ends.
        tab.locator(f"[data-message='{answer}'] [data-action=regenerate]").first.click()
        again = tab.wait_for_function("([id, old]) => { const last = martletEngine.thread(id).messages.at(-1);"
                                      " return last.id !== old ? last.id : null; }", arg=[conversation, answer]).json_value()
        self.wait_state(tab, again, "queued")
        self.stop(tab, running[0])
        self.wait_text(tab, again)
        for one in [again, *running[1:]]:
            self.stop(tab, one)
            self.assert_exact(tab, one)
        # Each answer was asked for once; the stopped one twice, because the user said so.
        self.assertEqual(self.proxy.count("POST /v1/chat/completions"), 6)

    def test_a_reload_while_a_tool_call_is_written_completes_the_call(self):
        tab = self.open()
        self.set(tab, **TOOL)
        self.proxy.hold()
        _, answer = self.ask(tab, "What is the weather in Lund?")
        generation = self.wait_generation(tab, answer)
        self.reach(tab, answer, "tool")
        self.reload(tab)
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        calls = self.server.get(f"/v1/generations/{generation}/result?wait=60")["choices"][0]["message"]["tool_calls"]
        shown = self.message(tab, answer)["toolCalls"]
        self.assertEqual([(call["function"]["name"], call["function"]["arguments"]) for call in calls],
                         [(call["name"], call["arguments"]) for call in shown])
        # The result goes to the model, and its answer follows.
        tab.evaluate("() => martletEngine.setSetting(null, 'tool_choice', undefined)")
        tab.evaluate("() => martletEngine.setSetting(null, 'max_tokens', 30)")
        tab.locator(".tool-form textarea").fill('{"temperature": 17}')
        tab.get_by_role("button", name="Send result").click()
        tab.wait_for_function("() => document.querySelectorAll('[data-role=assistant]').length === 2"
                              " && document.querySelector('.is-last')?.dataset.state === 'done'")

    def test_skip_twice_and_after_a_reload(self):
        tab = self.open()
        self.set(tab, **THINKING)
        _, answer = self.ask(tab, "Count from 1 to 5")
        self.wait_state(tab, answer, "reasoning")
        # Paused during the reload: the thoughts must not fill the context, however fast the machine is.
        tab.evaluate("id => martletEngine.pause(id)", answer)
        self.wait_state(tab, answer, "paused")
        self.reload(tab)
        self.wait_state(tab, answer, "paused")
        tab.evaluate("id => martletEngine.resume(id)", answer)
        self.wait_state(tab, answer, "reasoning")
        # The button of the block, and that of the bar, as fast as two fingers press.
        tab.evaluate("""() => {
            document.querySelector('[data-action=skip-here]').click();
            document.querySelector('[data-action=skip]').click();
        }""")
        self.wait_state(tab, answer, "answering")
        self.stop(tab, answer)
        self.assertTrue(self.assert_exact(tab, answer)["isReasoningSkipped"])
        tab.locator(f"[data-message='{answer}']").get_by_text("(skipped)").wait_for()

    def test_a_server_that_has_forgotten_leaves_the_text_and_a_way_on(self):
        tab = self.open()
        _, answer, _ = self.ask_held(tab, "Tell me a story", 6_000)
        self.wait_text(tab, answer)
        self.server.kill()
        before = self.message(tab, answer)
        shutil.rmtree(self.server.folder / "state")
        # What the proxy still holds is lost, too.
        self.proxy.cut()
        self.server.start()
        self.proxy.release()
        self.wait_state(tab, answer, "interrupted")
        message = self.message(tab, answer)
        self.assertTrue((message["reasoning"] + message["text"]).startswith(before["reasoning"] + before["text"]))
        tab.locator(f"[data-message='{answer}'] .ending").wait_for()
        tab.locator(f"[data-message='{answer}'] [data-action=continue]").click()
        after = self.wait_state(tab, answer, "done")
        self.assertTrue(after["text"].startswith(message["text"]))

    def test_a_removal_in_one_tab_while_the_other_one_reads(self):
        first = self.open()
        self.set(first, **ENDLESS)
        conversation, answer = self.ask(first, "Tell me a story without end")
        self.wait_text(first, answer)
        second = self.open(f"#/c/{conversation}")
        self.wait_text(second, answer)
        second.evaluate("id => martletEngine.removeConversations([id])", conversation)
        for tab in (first, second):
            tab.wait_for_function("() => martletEngine.conversations().length === 0")
        # Nothing writes the chat again.
        stored = first.evaluate("""() => new Promise(done => {
            indexedDB.open('martlet').onsuccess = opened => {
                const base = opened.target.result;
                base.transaction('messages').objectStore('messages').count().onsuccess = event => { base.close(); done(event.target.result); };
            };
        })""")
        self.assertEqual(stored, 0)

    def test_a_hidden_page_saves_and_a_visible_one_reads_on(self):
        tab = self.open()
        _, answer, _ = self.ask_held(tab, "Tell me a story", 3_000)
        # In a headless browser nothing hides a page, so the test says it.
        show = """state => {
            Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
        tab.evaluate(show, "hidden")
        self.wait_saved(tab, answer)
        self.proxy.cut()
        self.proxy.release()
        tab.evaluate(show, "visible")
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)

    def test_a_killed_browser_loses_nothing_that_was_saved(self):
        folder = tempfile.mkdtemp(prefix="martlet-browser-")
        self.addCleanup(shutil.rmtree, folder, True)
        playwright = sync_playwright().start() if not harness._browsers else None
        kind = (playwright.chromium if playwright else harness._browsers[0].browser_type)
        options = {"executable_path": harness.browser_path(), "args": [
            *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--host-resolver-rules=MAP {harness.HOST} 127.0.0.1"]}
        context = kind.launch_persistent_context(folder, **options)
        tab = self.open(context=context)
        conversation, answer, generation = self.ask_held(tab, "Tell me a story", 4_000)
        self.wait_saved(tab, answer)
        before = self.message(tab, answer)
        listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            pid, arguments = line.split(None, 1)
            if f"--user-data-dir={folder}" in arguments and "--type=" not in arguments:
                os.kill(int(pid), signal.SIGKILL)
        tab.wait_for_event("close") if not tab.is_closed() else None
        shutil.rmtree(pathlib.Path(folder) / "SingletonLock", True)
        again = kind.launch_persistent_context(folder, **options)
        self.addCleanup(again.close)
        tab = self.open(f"#/c/{conversation}", again)
        tab.wait_for_function("id => martletEngine.message(id)", arg=answer)
        message = self.message(tab, answer)
        self.assertTrue((message["reasoning"] + message["text"]).startswith(before["reasoning"] + before["text"]))
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer, generation)


class ViewTests(harness.PageTest):
    """The document: scrolling, selecting, keys, phones, and what a browser may do to a page."""

    def test_the_first_load_asks_for_few_files(self):
        tab = self.open()
        tab.wait_for_function("() => performance.getEntriesByName('martlet.ready').length > 0")
        files = tab.evaluate("""() => performance.getEntriesByType('resource')
            .filter(entry => entry.startTime < performance.getEntriesByName('martlet.engine')[0].startTime)
            .map(entry => new URL(entry.name).pathname)""")
        pages = [name for name in files if name.startswith("/page/")]
        self.assertLessEqual(len(pages), 5, pages)
        # Nothing of the server is waited for before the page can be used.
        self.assertLessEqual(len(files) - len(pages), 3, files)

    def test_what_the_user_reads_stays_where_it_is(self):
        tab = self.open()
        # Many short paragraphs, whatever the model would write.
        self.set(tab, **ENDLESS, reasoning_effort="none", grammar='root ::= ("The bird flies over the lake.\\n\\n")+')
        self.proxy.hold()
        conversation, answer = self.ask(tab, "Tell me a long story")
        self.wait_generation(tab, answer)
        shown = "id => document.querySelector(`[data-message='${id}']`).textContent.length"
        top = "() => document.querySelector('.thread').scrollTop"
        while not tab.evaluate("() => { const one = document.querySelector('.thread'); return one.scrollHeight > one.clientHeight * 2; }"):
            self.proxy.allow(20_000)
            self.proxy.wait_spent()
        # Pinned: the end is in view.
        distance = "() => { const one = document.querySelector('.thread'); return one.scrollHeight - one.scrollTop - one.clientHeight; }"
        tab.wait_for_function("() => { const one = document.querySelector('.thread'); return one.scrollHeight - one.scrollTop - one.clientHeight < 2; }")
        tab.locator(".thread").hover()
        tab.mouse.wheel(0, -300)
        tab.wait_for_function("() => { const one = document.querySelector('.thread'); return one.scrollHeight - one.scrollTop - one.clientHeight > 200; }")
        tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        # A selection in the text survives what is written below it.
        tab.evaluate("""id => {
            const text = document.querySelector(`[data-message='${id}'] p, [data-message='${id}'] [data-reasoning] *`);
            getSelection().selectAllChildren(text);
        }""", answer)
        selected = tab.evaluate("() => getSelection().toString()")
        self.assertNotEqual(selected, "")
        place, length = tab.evaluate(top), tab.evaluate(shown, answer)
        self.proxy.allow(60_000)
        self.proxy.wait_spent()
        tab.wait_for_function("([id, length]) => document.querySelector(`[data-message='${id}']`).textContent.length > length + 100",
                              arg=[answer, length])
        self.assertLessEqual(abs(tab.evaluate(top) - place), 1)
        self.assertEqual(tab.evaluate("() => getSelection().toString()"), selected)
        # Another chat in between: the place is that of the conversation.
        tab.evaluate("() => { location.hash = '#/'; }")
        tab.wait_for_function("() => document.querySelectorAll('[data-message]').length === 0")
        self.show(tab, conversation)
        tab.wait_for_function("id => document.querySelector(`[data-message='${id}'] p, [data-message='${id}'] [data-reasoning] *`)", arg=answer)
        self.assertGreater(tab.evaluate(distance), 200)
        tab.evaluate("id => martletEngine.stop(id)", answer)
        self.proxy.release()
        self.wait_state(tab, answer, "stopped")

    def test_versions_are_written_walked_removed_and_restored_with_the_keyboard(self):
        tab = self.open()
        self.set(tab, ignore_eos=True, max_tokens=8)
        tab.locator("[data-composer]").focus()
        tab.keyboard.type("The first question")
        tab.keyboard.press("Enter")
        last = "() => document.querySelector('.is-last')?.dataset.state === 'done'"
        tab.wait_for_function(last)
        # Up in an empty box edits the question; Ctrl+Enter sends it as a new version.
        tab.keyboard.press("ArrowUp")
        tab.get_by_label("Edit your message").wait_for()
        tab.keyboard.press("Control+A")
        tab.keyboard.type("The second question")
        # An unsaved edit survives a reload.
        self.reload(tab)
        tab.get_by_label("Edit your message").wait_for()
        self.assertEqual(tab.get_by_label("Edit your message").input_value(), "The second question")
        tab.get_by_label("Edit your message").press("Control+Enter")
        tab.wait_for_function("() => document.querySelectorAll('[data-message]').length === 2"
                              " && document.querySelector('[data-role=user] [data-text]').textContent === 'The second question'")
        tab.wait_for_function(last)
        question = tab.locator("[data-role=user]")
        question.focus()
        tab.keyboard.press("[")
        tab.wait_for_function("() => document.querySelector('[data-role=user] [data-text]').textContent === 'The first question'")
        tab.locator("[data-role=user]").focus()
        tab.keyboard.press("]")
        tab.wait_for_function("() => document.querySelector('[data-role=user] [data-text]').textContent === 'The second question'")
        # Remove the question with its answer, and undo that.
        tab.locator("[data-role=user] [aria-label=More]").focus()
        tab.keyboard.press("Enter")
        tab.get_by_role("menuitem", name="Delete 2 messages").focus()
        tab.keyboard.press("Enter")
        tab.wait_for_function("() => document.querySelector('[data-role=user] [data-text]')?.textContent === 'The first question'")
        tab.get_by_role("button", name="Undo").focus()
        tab.keyboard.press("Enter")
        tab.wait_for_function("() => martletEngine.versions(document.querySelector('[data-role=user]').dataset.message).count === 2")
        # A dialog has the focus, Escape closes it and stops nothing.
        tab.keyboard.press("Control+/")
        tab.locator(".keys").wait_for()
        tab.keyboard.press("Escape")
        tab.locator(".keys").wait_for(state="detached")
        # A new chat from here, and its tree after a reload.
        tab.locator(".is-last [aria-label=More]").focus()
        tab.keyboard.press("Enter")
        tab.get_by_role("menuitem", name="Continue in a new chat").focus()
        tab.keyboard.press("Enter")
        tab.get_by_role("dialog").get_by_label("Title").press("Enter")
        tab.wait_for_function("() => martletEngine.conversations().length === 2")
        self.reload(tab)
        tab.wait_for_function("() => document.querySelectorAll('[data-message]').length === 2")
        tab.get_by_text("Branched from").wait_for()

    def test_escape_in_a_dialog_of_a_running_answer_stops_nothing(self):
        tab = self.open()
        self.set(tab, **ENDLESS)
        _, answer = self.ask(tab, "Tell me a story without end")
        self.wait_text(tab, answer)
        tab.get_by_label("Steer the answer").click()
        tab.get_by_role("menuitem", name="Change temperature and limits").click()
        tab.get_by_role("dialog").wait_for()
        tab.keyboard.press("Escape")
        tab.get_by_role("dialog").wait_for(state="detached")
        length = len(self.message(tab, answer)["text"] + self.message(tab, answer)["reasoning"])
        self.wait_text(tab, answer, length + 50)
        tab.keyboard.press("Escape")
        self.wait_state(tab, answer, "stopped")

    def test_commands_and_saved_prompts_behind_a_slash(self):
        tab = self.open()
        box = tab.locator("[data-composer]")
        box.fill("/prom")
        tab.get_by_role("option", name="/prompts").wait_for()
        box.press("Enter")
        dialog = tab.get_by_role("dialog")
        dialog.get_by_label("Name").fill("review this")
        dialog.get_by_label("Text").last.fill("Review this code for errors:")
        dialog.get_by_role("button", name="Add").click()
        dialog.get_by_text("/review-this").wait_for()
        tab.keyboard.press("Escape")
        self.reload(tab)
        box.fill("/rev")
        tab.get_by_role("option", name="/review-this").wait_for()
        box.press("Tab")
        self.assertEqual(box.input_value(), "Review this code for errors:")
        # A path is a message, not a command.
        box.fill("/etc/hosts is a file")
        self.assertEqual(tab.get_by_role("option").count(), 0)
        self.set(tab, **ENDLESS)
        _, answer = self.ask(tab, "Tell me a story without end")
        self.wait_text(tab, answer)
        box.fill("/sto")
        tab.get_by_role("option", name="/stop").wait_for()
        box.press("Enter")
        self.wait_state(tab, answer, "stopped")

    def test_a_phone_goes_back_out_of_drawer_and_dialogs_before_it_leaves(self):
        context = self.new_context(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
        tab = self.open(context=context)
        tab.evaluate("() => { location.hash = '#/server'; }")
        tab.locator(".server").wait_for()
        tab.evaluate("() => { location.hash = '#/'; }")
        tab.locator("[data-composer]").wait_for()
        chats = tab.get_by_label("Chats (Ctrl B)")
        chats.tap()
        tab.locator(".sidebar").wait_for()
        tab.wait_for_function("() => history.state?.layer === 1")
        tab.evaluate("() => history.back()")
        tab.locator(".sidebar").wait_for(state="detached")
        self.assertEqual(tab.evaluate("() => location.hash"), "#/")
        # The drawer, and a dialog above it.
        chats.tap()
        tab.locator(".sidebar [data-action=settings]").tap()
        tab.locator(".settings").wait_for()
        tab.wait_for_function("() => history.state?.layer === 2")
        tab.evaluate("() => history.back()")
        tab.locator(".settings").wait_for(state="detached")
        tab.wait_for_function("() => history.state?.layer === 1")
        # A link of the drawer takes the place of its entry: one step back is the page before.
        tab.get_by_role("link", name="Server").tap()
        tab.locator(".server").wait_for()
        tab.locator(".sidebar").wait_for(state="detached")
        tab.wait_for_function("() => history.state === null")
        chats.tap()
        tab.get_by_label("Close the list").first.tap()
        tab.wait_for_function("() => !document.querySelector('.sidebar') && history.state === null")
        tab.evaluate("() => history.back()")
        tab.wait_for_function("() => location.hash === '#/'")

    def test_nothing_is_wider_than_the_window_covered_or_too_small_for_a_finger(self):
        sizes = [(320, 568, True), (390, 844, True), (844, 390, True), (768, 1024, True), (1280, 800, False), (2560, 1300, False)]
        tab = self.open()
        self.set(tab, ignore_eos=True, max_tokens=60)
        _, answer = self.ask(tab, "A long question with averyverylongwordthatcannotbebrokenanywhere" + "x" * 80)
        self.wait_state(tab, answer, "done")
        exported = tab.evaluate("() => martletEngine.exportConversations(martletEngine.conversations().map(row => row.conversation.id), 'martlet')")
        for width, height, is_touch in sizes:
            context = self.new_context(viewport={"width": width, "height": height}, has_touch=is_touch, is_mobile=is_touch)
            page = self.open(context=context)
            page.evaluate("async text => (await martletEngine.readImport('x', text)).commit()", exported["text"])
            page.evaluate("() => { location.hash = '#/c/' + martletEngine.conversations()[0].conversation.id; }")
            page.locator(f"[data-message='{answer}']").wait_for()
            for place in ("chat", "server"):
                if place == "server":
                    page.evaluate("() => { location.hash = '#/server'; }")
                    page.locator(".chart-line").first.wait_for(state="attached")
                found = page.evaluate("""() => {
                    const small = [...document.querySelectorAll('button, a[href], select')].filter(one => {
                        const box = one.getBoundingClientRect();
                        const isText = getComputedStyle(one).display === 'inline';
                        return matchMedia('(pointer: coarse)').matches && !isText && box.width > 0 && box.top >= 0 && box.height < 40;
                    }).map(one => one.outerHTML.slice(0, 80));
                    // The middle of a control belongs to it, unless it is scrolled out of view.
                    const covered = [...document.querySelectorAll('button, a[href], select, input, textarea')].filter(one => {
                        const box = one.getBoundingClientRect();
                        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
                        if (box.width === 0 || !one.checkVisibility() || x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return false;
                        for (let place = one.parentElement; place; place = place.parentElement) {
                            const room = place.getBoundingClientRect();
                            const isCut = getComputedStyle(place).overflow !== 'visible';
                            if (isCut && (x < room.left || x > room.right || y < room.top || y > room.bottom)) return false;
                        }
                        const found = document.elementFromPoint(x, y);
                        return found !== one && !one.contains(found) && !found?.contains(one);
                    }).map(one => one.outerHTML.slice(0, 80));
                    // Tables and code scroll sideways, the parts that have them do not.
                    const wide = [document.documentElement, ...document.querySelectorAll('.scroll, .thread, .sidebar-rows')]
                        .map(one => one.scrollWidth - one.clientWidth);
                    return [Math.max(...wide), small, covered];
                }""")
                self.assertLessEqual(found[0], 0, (width, place))
                self.assertEqual(found[1], [], (width, place))
                self.assertEqual(found[2], [], (width, place))
            context.close()

    def test_axe_finds_no_violation(self):
        if Axe is None:
            self.skipTest("axe-playwright-python is not installed")
        for options in ({}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True},
                        {"forced_colors": "active", "reduced_motion": "reduce"}):
            context = self.new_context(**options)
            tab = self.open(context=context)
            self.set(tab, ignore_eos=True, max_tokens=30)
            tab.locator("[data-composer]").fill("Count from 1 to 9")
            tab.locator("[data-action=send]").click()
            tab.locator("[data-role=assistant][data-state=done]").wait_for()
            violations = [(violation["id"], node["html"][:200]) for violation in Axe().run(tab).response["violations"]
                          for node in violation["nodes"]]
            self.assertEqual(violations, [], options)
            context.close()

    def test_a_new_version_is_announced_and_nothing_is_lost(self):
        tab = self.open()
        _, answer, _ = self.ask_held(tab, "Tell me a story", 2_000)
        tab.locator("[data-composer]").fill("A draft")

        newer = {**self.server.get("/props"), "build_info": "martlet-99"}
        tab.route("**/props", lambda route: route.fulfill(json=newer))
        tab.evaluate("() => martletEngine.pageChanged('visible')")
        tab.get_by_text("A new version of this page is there").wait_for()
        tab.unroute("**/props")
        with tab.expect_navigation():
            tab.get_by_role("button", name="Reload").click()
        self.ready(tab)
        tab.wait_for_function("() => document.querySelector('[data-composer]').value === 'A draft'")
        self.proxy.release()
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)

    def test_a_storage_that_is_newer_forbidden_or_cleared_is_told(self):
        tab = self.open()
        self.set(tab, ignore_eos=True, max_tokens=5)
        # A tab with a newer page upgrades the storage.
        other = self.context.new_page()
        other.goto(f"http://{harness.HOST}:{self.proxy.port}/v1/models")
        other.evaluate("""() => new Promise((done, failed) => {
            const request = indexedDB.open('martlet', 99);
            request.onsuccess = () => { request.result.close(); done(); };
            request.onerror = () => failed(request.error);
        })""")
        tab.get_by_text("A newer version of this page is open").wait_for()
        _, answer = self.ask(tab, "Hello")
        self.wait_state(tab, answer, "done")
        self.assert_exact(tab, answer)
        # A browser that forbids the storage, as some private windows do.
        context = self.new_context()
        context.add_init_script("Object.defineProperty(window, 'indexedDB', { value: { open() { throw new DOMException('no', 'SecurityError'); } } });")
        private = self.open(context=context)
        private.wait_for_function("() => martletEngine.server().storageProblem !== null")
        self.set(private, ignore_eos=True, max_tokens=5)
        _, answer = self.ask(private, "Hello")
        self.wait_state(private, answer, "done")
        self.assert_exact(private, answer)

    def test_html_of_an_answer_is_shown_in_a_frame_without_network(self):
        tab = self.open()
        html = "```html\n<h1 id='head'>Hello</h1><script>\n" \
               "const told = text => { const p = document.body.appendChild(document.createElement('p')); p.textContent = text; };\n" \
               "try { parent.document.title = 'pwned'; told('reached the page'); } catch { told('no page'); }\n" \
               "try { localStorage.x = 1; told('has a storage'); } catch { told('no storage'); }\n" \
               "fetch('/v1/models').then(() => told('has a network'), () => told('no network'));\n" \
               "</script>\n```"
        self.load_chat(tab, "html", "Write a page", html)
        tab.get_by_role("button", name="Preview").click()
        frame = tab.frame_locator("figure.code iframe")
        frame.get_by_role("heading", name="Hello").wait_for()
        for text in ("no page", "no storage", "no network"):
            frame.get_by_text(text, exact=True).wait_for()
        tab.get_by_role("button", name="Preview").click()
        self.assertEqual(tab.locator("iframe").count(), 0)
        # The policy of the frame's own document refused the request, and no violation was one of the chat page.

    def test_javascript_of_an_answer_runs_on_request_and_its_output_goes_to_the_model(self):
        tab = self.open()
        code = "```javascript\nconsole.log([1, 2, 3].map(one => one * 2));\nawait fetch('/v1/models').catch(() => console.log('no network'));\n" \
               "return 6 * 7;\n```"
        self.load_chat(tab, "code", "Compute", code, "Loop", "```js\nfor (;;) {}\n```", "Fail", "```js\nthrow new Error('oops')\n```")
        outputs = tab.locator("figure.code output")
        for number, text in enumerate(("[2,4,6]\nno network\n42", "did not end within", "Error: Error: oops")):
            tab.get_by_role("button", name="Run", exact=True).nth(number).click()
            outputs.nth(number).filter(has_text=text.split("\n")[0]).wait_for()
            self.assertIn(text, outputs.nth(number).inner_text())
        # As a tool: the model calls it, the user runs it, the answer goes on.
        self.set(tab, javascriptTool=True, tool_choice={"type": "function", "function": {"name": "run_javascript"}}, max_tokens=200)
        asked = []
        tab.on("request", lambda request: request.method == "POST" and "/chat/completions" in request.url
               and asked.append(request.post_data_json))
        _, answer = self.ask(tab, "What is 6 times 7?")
        self.wait_state(tab, answer, "done", "failed", "stopped")
        self.assertEqual([one["function"]["name"] for one in asked[0]["tools"]], ["run_javascript"])
        self.assertEqual(self.message(tab, answer)["toolCalls"][0]["name"], "run_javascript")
        tab.evaluate("() => martletEngine.setSetting(null, 'tool_choice', undefined)")
        tab.evaluate("() => martletEngine.setSetting(null, 'max_tokens', 8)")
        tab.locator(".tool-form").get_by_role("button", name="Run", exact=True).click()
        tab.wait_for_function("() => document.querySelectorAll('[data-role=assistant]').length === 2"
                              " && document.querySelector('.is-last')?.dataset.state === 'done'")
        self.assertEqual(asked[-1]["messages"][-1]["role"], "tool")

    def test_copied_formulas_are_tex(self):
        context = self.new_context()
        tab = self.open(context=context)
        self.load_chat(tab, "math", "Lift?", "The lift is $L = \\tfrac{1}{2} C_L$, so:\n\n$$a^2$$\n\nThat is all.")
        tab.wait_for_function("() => document.querySelectorAll('.katex').length === 2")
        copied = tab.evaluate("""() => {
            getSelection().selectAllChildren(document.querySelector('[data-role=assistant] [data-text]'));
            const data = new DataTransfer();
            document.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, cancelable: true, bubbles: true }));
            return data.getData('text/plain');
        }""")
        self.assertEqual(copied, "The lift is $L = \\tfrac{1}{2} C_L$, so:\n\n$$a^2$$\n\nThat is all.")
        # A selection without a formula is the browser's.
        self.assertEqual(tab.evaluate("""() => {
            getSelection().selectAllChildren(document.querySelector('[data-role=assistant] [data-text] > p:last-child'));
            const data = new DataTransfer();
            document.dispatchEvent(new ClipboardEvent('copy', { clipboardData: data, cancelable: true, bubbles: true }));
            return data.getData('text/plain');
        }"""), "")
        # The menu copies the same text.
        tab.evaluate("""() => {
            document.execCommand = () => { window.copied = document.activeElement.value; return true; };
            Object.defineProperty(navigator, 'clipboard', { value: undefined });
        }""")
        tab.locator(".is-last [aria-label=More]").click()
        tab.get_by_role("menuitem", name="Copy as plain text").click()
        tab.wait_for_function("() => window.copied")
        self.assertEqual(tab.evaluate("() => window.copied"), copied)

    def test_a_picture_of_svg_is_shown_without_its_scripts(self):
        tab = self.open()
        svg = "```svg\n<svg viewBox='0 0 9 9'><script>window.parent.pwned = 1</script><image href='http://evil.test/x.png'/>" \
              "<rect width='9' height='9' fill='red'/></svg>\n```"
        self.load_chat(tab, "svg", "Draw", svg)
        tab.get_by_role("button", name="Picture").click()
        tab.wait_for_function("() => document.querySelector('figure.code img')?.naturalWidth > 0")
        self.assertIsNone(tab.evaluate("() => window.pwned ?? null"))
        tab.get_by_role("button", name="Picture").click()
        self.assertEqual(tab.locator("figure.code img").count(), 0)


class TitleTests(harness.PageTest):
    """Titles that the model writes."""

    has_model_titles = True

    def test_the_model_writes_a_title_and_a_name_of_the_user_stays(self):
        tab = self.open()
        self.set(tab, ignore_eos=True, max_tokens=8, reasoning_effort="none")
        asked = []

        def title(route):
            body = route.request.post_data_json
            if body.get("stream") is not False:
                return route.continue_()
            asked.append(body["messages"])
            # The real server accepts the question; the demo model's own titles are no titles.
            content = self.server.post("/v1/chat/completions", body)
            content["choices"][0]["message"]["content"] = '"Title: Swallows and swifts."'
            return route.fulfill(json=content)

        tab.route("**/v1/chat/completions", title)
        conversation, answer = self.ask(tab, "What is the difference between swallows and swifts?")
        self.wait_state(tab, answer, "done")
        tab.wait_for_function("() => martletEngine.conversations()[0].conversation.title === 'Swallows and swifts'")
        tab.locator(".row-title").get_by_text("Swallows and swifts", exact=True).wait_for()
        self.assertEqual([one["role"] for one in asked[0]], ["user", "assistant", "user"])
        self.assertIn("Swallows and swifts", tab.title())
        # The second chat is renamed before the model has written its title.
        conversation, answer = self.ask(tab, "Another question")
        tab.evaluate("id => martletEngine.rename(id, 'My own name')", conversation)
        self.wait_state(tab, answer, "done")
        # A third one is asked for after it, so the second one had its time.
        _, third = self.ask(tab, "A third question")
        self.wait_state(tab, third, "done")
        tab.wait_for_function("() => martletEngine.conversations().filter(row => row.conversation.title === 'Swallows and swifts').length === 2")
        titles = tab.evaluate("() => martletEngine.conversations().map(row => row.conversation.title)")
        self.assertEqual(sorted(titles), ["My own name", "Swallows and swifts", "Swallows and swifts"])
        self.assertEqual(len(asked), 2)


class LoadingTests(harness.PageTest):
    """A server of several models."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.models = pathlib.Path(tempfile.mkdtemp(prefix="martlet-models-"))
        cls.addClassCleanup(shutil.rmtree, cls.models, True)
        for name in ("first", "second"):
            (cls.models / f"{name}.gguf").symlink_to(harness.ROOT / "Models/fledgling.Q8_0.gguf")
        # A file that is no model: its load fails.
        (cls.models / "broken.gguf").write_bytes((harness.ROOT / "Models/fledgling.Q8_0.gguf").read_bytes()[:200_000])
        cls.flags = ("--models-dir", str(cls.models))
        super().setUpClass()

    @contextlib.contextmanager
    def held_load(self, tab, name):
        """A load of a model that stands still: its worker is stopped before it has opened the model."""
        file = os.path.realpath(self.models / f"{name}.gguf")
        while True:
            tab.evaluate("name => martletEngine.unloadModel(name)", name)
            self.is_status(tab, name, "unloaded")
            before = set(self.server.workers())
            tab.evaluate("name => void martletEngine.loadModel(name)", name)
            # The words of the worker's own command follow its start: a process that is still the server is left alone.
            new = lambda: next((one for one in set(self.server.workers()) - before if b"\0worker\0" in command_of(one)), None)
            worker = self.wait_until(new)
            os.kill(worker, signal.SIGSTOP)
            self.wait_until(lambda: state_of(worker) in "TZ")
            if not has_open(worker, file):
                break
            # The load was faster. It ends, and the next one begins anew.
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
            self.is_status(tab, name, "loaded")
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)

    def is_status(self, tab, name, *statuses):
        tab.wait_for_function("([name, all]) => all.includes(martletEngine.models().models.find(one => one.name === name)?.status)",
                              arg=[name, list(statuses)])

    @unittest.skipUnless(sys.platform == "linux", "reads what a process has opened")
    def test_a_load_survives_a_reload_and_can_be_left_and_cancelled(self):
        tab = self.open()
        tab.wait_for_function("() => martletEngine.models().isManaged")
        tab.evaluate("() => martletEngine.chooseModel(null, 'second')")
        self.set(tab, ignore_eos=True, max_tokens=8, reasoning_effort="none")
        with self.held_load(tab, "second"):
            _, answer = self.ask(tab, "A question during the load")
            generation = self.wait_generation(tab, answer)
            for _ in range(2):
                self.wait_state(tab, answer, "loading")
                tab.locator(f"[data-message='{answer}'] [data-status]", has_text="Loading model").wait_for()
                tab.locator(".picker-trigger .progress").wait_for()
                self.reload(tab)
                tab.locator(f"[data-message='{answer}']").wait_for()
            # Stop does not wait for the load, and the load goes on.
            tab.locator("[data-action=stop]").first.click()
            self.wait_state(tab, answer, "stopped")
            self.assertNotIn(self.server.states()[generation], ("queued", "running"))
            self.is_status(tab, "second", "loading")
            # The end of a load ends the question that waits for it, with a reason and a way on.
            _, waiting = self.ask(tab, "Another question during the load")
            self.wait_state(tab, waiting, "loading")
            tab.keyboard.press("Control+m")
            tab.get_by_label("Search models").fill("second")
            tab.get_by_role("button", name="Cancel").click()
            self.is_status(tab, "second", "unloaded")
            self.wait_state(tab, waiting, "failed")
            tab.keyboard.press("Escape")
        tab.locator(f"[data-message='{waiting}'] .ending [data-action=regenerate]").click()
        tab.wait_for_function("() => document.querySelector('.is-last')?.dataset.state === 'done'")

    def test_a_failed_load_says_why_and_can_be_tried_again(self):
        tab = self.open()
        tab.wait_for_function("() => martletEngine.models().isManaged")
        tab.evaluate("() => void martletEngine.loadModel('broken')")
        self.is_status(tab, "broken", "failed")
        tab.keyboard.press("Control+m")
        tab.get_by_label("Search models").fill("broken")
        row = tab.get_by_role("option")
        self.assertIn("Failed: ", row.inner_text())
        tab.get_by_role("button", name="Try again").wait_for()
        # The question goes to the other model with one press.
        tab.keyboard.press("Escape")
        tab.evaluate("() => martletEngine.chooseModel(null, 'second')")
        self.set(tab, ignore_eos=True, max_tokens=10, reasoning_effort="none")
        _, answer = self.ask(tab, "Hello")
        self.wait_state(tab, answer, "done")
        self.assertEqual(self.message(tab, answer)["model"], "second")
        # Two models answer the same question, side by side.
        tab.locator(".is-last [aria-label=More]").click()
        tab.get_by_role("menuitem", name="Compare models").click()
        dialog = tab.get_by_role("dialog")
        dialog.get_by_label("first").wait_for()
        for box in dialog.get_by_role("checkbox").all():
            box.set_checked(False)
        dialog.get_by_label("first").check()
        dialog.get_by_role("button", name="Compare").click()
        tab.wait_for_function("() => document.querySelectorAll('.column').length === 2")
        tab.wait_for_function("() => [...document.querySelectorAll('.column [data-text]')].every(one => one.textContent.trim() !== '')")
        tab.locator(".column", has_text="second").get_by_role("button", name="Go on with this").click()
        tab.get_by_role("dialog").wait_for(state="detached")
        tab.wait_for_function("id => document.querySelector('.is-last').dataset.message === id", arg=answer)
        # The server page of such a server has a form for downloads, also on a phone.
        tab.set_viewport_size({"width": 320, "height": 568})
        tab.evaluate("() => { location.hash = '#/server'; }")
        tab.locator(".download input").wait_for()
        self.assertGreater(self.server.get("/v1/models")["free_bytes"], 0)
        self.assertEqual(tab.evaluate("() => { const one = document.querySelector('.scroll'); return one.scrollWidth - one.clientWidth; }"), 0)
        self.assertGreater(tab.locator(".download input").bounding_box()["width"], 200)
