import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatDocument } from "../../src/engine/history/merge";
import { StoredHistory } from "./support/history";
import { ScriptedServer } from "./support/server";
import { ask, lastAnswer, message, turns, until, World } from "./support/world";
import type { Tab } from "./support/world";

/** Two devices with one server that stores chats. */

function withHistory(): { server: ScriptedServer; history: StoredHistory } {
    const server = new ScriptedServer();
    const history = new StoredHistory();
    server.history = history;
    return { server, history };
}

async function answered(server: ScriptedServer, tab: Tab, text: string): Promise<{ conversation: string; answer: string }> {
    const before = server.generations.length;
    const asked = await ask(tab, text);
    await until(() => server.generations.length > before, "a generation");
    server.text(server.generations[0], "To " + text);
    server.finish(server.generations[0], "stop");
    await until(() => message(tab, asked.answer).state === "done", "the end");
    return asked;
}

function stored(history: StoredHistory, id: string): ChatDocument {
    return history.chats.get(id)?.body as ChatDocument;
}

test("aChatGoesOnOnAnotherDevice", async () => {
    const { server, history } = withHistory();
    const [desk, phone] = [new World(server), new World(server)];
    const first = await desk.open();
    const { conversation } = await answered(server, first, "one");
    await desk.clock.advance(2_000);
    assert.deepEqual(stored(history, conversation).messages.map(one => one.text), ["one", "To one"]);

    const second = await phone.open();
    await phone.clock.advance(2_000);
    assert.equal(second.engine.conversations().length, 1);
    assert.equal(second.engine.conversations()[0].activity, "idle");
    second.engine.show(conversation);
    await until(() => second.engine.thread(conversation)?.messages.length === 2, "the messages");
    await second.engine.send(conversation, { text: "two" });
    await until(() => server.generations.length === 2, "a second generation");
    server.text(server.generations[0], "To two");
    server.finish(server.generations[0], "stop");
    await until(() => message(second, lastAnswer(second, conversation)).state === "done", "the end");
    await phone.clock.advance(2_000);
    await desk.clock.advance(6_000);
    assert.deepEqual(first.engine.thread(conversation)?.messages.map(one => one.text), ["one", "To one", "two", "To two"]);
    // Nothing has changed: the rounds write nothing and read only the list.
    const { length } = server.requests;
    await desk.clock.advance(20_000);
    const later = server.requests.slice(length).filter(request => request.includes("history"));
    assert.deepEqual([...new Set(later)], ["GET v1/history"]);
});

test("aRunningAnswerIsLiveOnBothDevices", async () => {
    const { server } = withHistory();
    const [desk, phone] = [new World(server), new World(server)];
    const first = await desk.open();
    const { conversation, answer } = await ask(first, "one");
    await until(() => server.generations.length === 1, "a generation");
    server.text(server.generations[0], "The beginning");
    await desk.clock.advance(3_000);
    const second = await phone.open();
    second.engine.show(conversation);
    await phone.clock.advance(2_000);
    await until(() => second.engine.message(answer)?.text === "The beginning", "the text on the phone");
    server.text(server.generations[0], " and the end");
    await until(() => second.engine.message(answer)?.text === "The beginning and the end", "more text");
    // Either device stops it; no device asks again.
    await second.engine.stop(answer);
    await until(() => second.engine.message(answer)?.state === "stopped", "the stop on the phone");
    await until(() => first.engine.message(answer)?.state === "stopped", "the stop on the desk");
    await desk.clock.advance(10_000);
    await phone.clock.advance(10_000);
    await desk.clock.advance(10_000);
    assert.equal(message(first, answer).text, "The beginning and the end");
    assert.equal(message(second, answer).text, "The beginning and the end");
    assert.equal(server.generations.length, 1);
});

test("changesOfBothDevicesRemain", async () => {
    const { server, history } = withHistory();
    const [desk, phone] = [new World(server), new World(server)];
    const [first, second] = [await desk.open(), await phone.open()];
    const { conversation } = await answered(server, first, "one");
    await desk.clock.advance(2_000);
    await phone.clock.advance(6_000);
    await first.engine.rename(conversation, "Birds");
    await second.engine.pin(conversation, true);
    second.engine.show(conversation);
    await second.engine.send(conversation, { text: "two" });
    await until(() => server.generations.length === 2, "a second generation");
    server.finish(server.generations[0], "stop");
    await turns();
    await desk.clock.advance(2_000);
    await phone.clock.advance(6_000);
    await desk.clock.advance(6_000);
    for (const tab of [first, second]) {
        const row = tab.engine.conversations()[0].conversation;
        assert.deepEqual([row.title, row.isPinned], ["Birds", true]);
        assert.equal(tab.engine.thread(conversation)?.messages.length, 4);
    }
    assert.equal(stored(history, conversation).messages.length, 4);
});

test("aWriteThatComesTooLateIsMergedAndRepeated", async () => {
    const { server, history } = withHistory();
    const world = new World(server);
    const tab = await world.open();
    const { conversation } = await answered(server, tab, "one");
    await world.clock.advance(2_000);
    let count = 0;
    history.beforeWrite = () => {
        if ((count += 1) > 2) return;
        const document = stored(history, conversation);
        history.put(conversation, { ...document, conversation: { ...document.conversation, isPinned: true, updatedAt: Date.now() + count } });
    };
    await tab.engine.rename(conversation, "Birds");
    await world.clock.advance(10_000);
    assert.equal(count, 3);
    assert.deepEqual([stored(history, conversation).conversation.title, stored(history, conversation).conversation.isPinned], ["Birds", true]);
});

test("aRemovedChatGoesEverywhereUnlessItChanged", async () => {
    const { server, history } = withHistory();
    const [desk, phone] = [new World(server), new World(server)];
    const [first, second] = [await desk.open(), await phone.open()];
    const gone = await answered(server, first, "one");
    const kept = await answered(server, first, "two");
    await desk.clock.advance(2_000);
    await phone.clock.advance(6_000);
    assert.equal(second.engine.conversations().length, 2);
    // The phone has no connection while the desk removes both.
    second.engine.pageChanged("hidden");
    await second.engine.rename(kept.conversation, "Needed");
    await first.engine.removeConversations([gone.conversation, kept.conversation]);
    await desk.clock.advance(6_000);
    assert.equal(history.chats.size, 0);
    second.engine.pageChanged("visible");
    await phone.clock.advance(6_000);
    await desk.clock.advance(6_000);
    assert.deepEqual(second.engine.conversations().map(row => row.conversation.title), ["Needed"]);
    assert.deepEqual(first.engine.conversations().map(row => row.conversation.title), ["Needed"]);
    assert.deepEqual((await phone.database.all<{ id: string; conversation: string }>("messages")).map(one => one.conversation), [kept.conversation, kept.conversation]);
});

test("aRemovalWinsOverAWriteThatChangedNothing", async () => {
    const { server, history } = withHistory();
    const world = new World(server);
    const tab = await world.open();
    const { conversation } = await answered(server, tab, "one");
    await world.clock.advance(2_000);
    const document = stored(history, conversation);
    history.put(conversation, { ...document, conversation: { ...document.conversation, updatedAt: 9e12 } });
    await tab.engine.removeConversations([conversation]);
    await world.clock.advance(8_000);
    assert.equal(history.chats.size, 0);
    assert.deepEqual(tab.engine.conversations(), []);
});

test("aRemovalWinsOverTheEndOfAnAnswer", async () => {
    const { server, history } = withHistory();
    const [desk, phone] = [new World(server), new World(server)];
    const [first, second] = [await desk.open(), await phone.open()];
    const { conversation, answer } = await ask(second, "one");
    await until(() => server.generations.length === 1, "a generation");
    server.text(server.generations[0], "The beginning");
    await phone.clock.advance(2_000);
    await desk.clock.advance(6_000);
    await until(() => first.engine.conversations().length === 1, "the chat on the desk");
    // The phone has not written the end when the desk removes the chat.
    server.finish(server.generations[0], "stop");
    await until(() => message(second, answer).state === "done", "the end");
    await first.engine.removeConversations([conversation]);
    await desk.clock.advance(2_000);
    assert.equal(history.chats.size, 0);
    await phone.clock.advance(12_000);
    await desk.clock.advance(6_000);
    assert.deepEqual([first.engine.conversations(), second.engine.conversations(), history.chats.size], [[], [], 0]);
    // And the other way: the end is written first.
    const again = await ask(second, "two");
    await until(() => server.generations.length === 2, "a second generation");
    server.text(server.generations[0], "More");
    await phone.clock.advance(2_000);
    await desk.clock.advance(6_000);
    server.finish(server.generations[0], "stop");
    await until(() => message(second, again.answer).state === "done", "the second end");
    await phone.clock.advance(2_000);
    await first.engine.removeConversations([again.conversation]);
    await desk.clock.advance(2_000);
    await phone.clock.advance(12_000);
    await desk.clock.advance(6_000);
    assert.deepEqual([first.engine.conversations(), second.engine.conversations(), history.chats.size], [[], [], 0]);
});

test("aServerThatLostItsChatsGetsThemAgain", async () => {
    const { server, history } = withHistory();
    const world = new World(server);
    const tab = await world.open();
    const { conversation } = await answered(server, tab, "one");
    await world.clock.advance(2_000);
    history.lose();
    await world.clock.advance(12_000);
    assert.equal(stored(history, conversation).messages.length, 2);
    assert.equal(tab.engine.conversations().length, 1);
});

test("anotherKeyGetsNoChatOfTheFirstOne", async () => {
    const { server, history } = withHistory();
    const world = new World(server);
    const tab = await world.open();
    await answered(server, tab, "one");
    await world.clock.advance(2_000);
    const mine = new Map(history.chats);
    history.lose();
    history.owner = "another";
    await world.clock.advance(12_000);
    assert.equal(history.chats.size, 0);
    assert.equal(tab.engine.conversations().length, 1);
    assert.equal(mine.size, 1);
});

test("aRefusedChatStaysHereWithAReason", async () => {
    const { server, history } = withHistory();
    history.isFull = true;
    const world = new World(server);
    const tab = await world.open();
    const { conversation } = await answered(server, tab, "one");
    await world.clock.advance(2_000);
    assert.equal(/only in this browser.*full/.test(tab.engine.server().historyProblem ?? ""), true);
    assert.equal(tab.engine.thread(conversation)?.messages.length, 2);
    history.isFull = false;
    await world.clock.advance(12_000);
    assert.equal(tab.engine.server().historyProblem, null);
    assert.equal(history.chats.size, 1);
});

test("picturesAndTemporaryChatsGoWhereTheyBelong", async () => {
    const { server, history } = withHistory();
    const [desk, phone] = [new World(server), new World(server)];
    const [first, second] = [await desk.open(), await phone.open()];
    const picture = await first.engine.attach(new Blob(["\u0000picture"], { type: "image/png" }), "a.png");
    const conversation = await first.engine.createConversation();
    first.engine.show(conversation);
    await first.engine.send(conversation, { text: "", attachments: [{ ...picture, kind: "other" }] });
    const temporary = await first.engine.createConversation(true);
    await first.engine.send(temporary, { text: "A secret" });
    await until(() => server.generations.length === 2, "two generations");
    for (const generation of server.generations) server.finish(generation, "stop");
    await desk.clock.advance(8_000);
    assert.deepEqual([...history.chats.keys()], [conversation]);
    await phone.clock.advance(6_000);
    await until(() => second.engine.conversations().length === 1, "the chat");
    assert.equal(await (await second.engine.attachmentBlob(picture.id))?.text(), "\u0000picture");
    assert.equal(second.engine.conversations().length, 1);
});

test("withoutHistoryThePageAsksForNothing", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    await answered(server, tab, "one");
    await world.clock.advance(10_000);
    assert.deepEqual(server.requests.filter(request => request.includes("history")), []);
    assert.equal(tab.engine.server().hasHistory, false);
});
