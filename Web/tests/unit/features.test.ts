import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanTitle } from "../../src/engine/titles";
import { topics } from "../../src/engine/types";
import { ScriptedServer } from "./support/server";
import { ask, lastAnswer, message, turns, until, World } from "./support/world";
import type { Tab } from "./support/world";

/** Titles by the model, and temporary conversations. */

async function answered(server: ScriptedServer, tab: Tab, text: string): Promise<string> {
    const before = server.generations.length;
    const { conversation, answer } = await ask(tab, text);
    await until(() => server.generations.length > before, "a generation");
    server.text(server.generations[0], "An answer");
    server.finish(server.generations[0], "stop");
    await until(() => message(tab, answer).state === "done", "the end");
    return conversation;
}

function title(tab: Tab, conversation: string): string | undefined {
    return tab.engine.thread(conversation)?.conversation.title;
}

test("theModelWritesATitleOnceAfterTheFirstAnswer", async () => {
    const server = new ScriptedServer();
    server.title = '**"Birds at dawn."**\nMore';
    const world = new World(server, true);
    const tab = await world.open();
    const conversation = await answered(server, tab, "What sings?");
    assert.equal(title(tab, conversation), "What sings?");
    await world.clock.advance(2_000);
    assert.equal(title(tab, conversation), "Birds at dawn");
    const [request] = server.titleRequests;
    const messages = request.messages as readonly { role: string; content: string }[];
    assert.deepEqual(messages.map(one => one.role), ["user", "assistant", "user"]);
    await tab.engine.send(conversation, { text: "And then?" });
    await until(() => server.generations.length === 2, "a second generation");
    server.text(server.generations[0], "Another");
    server.finish(server.generations[0], "stop");
    await until(() => message(tab, lastAnswer(tab, conversation)).state === "done", "the second end");
    await world.clock.advance(5_000);
    assert.equal(server.titleRequests.length, 1);
});

test("aTitleNeverReplacesThatOfTheUser", async () => {
    const server = new ScriptedServer();
    const world = new World(server, true);
    const tab = await world.open();
    const conversation = await answered(server, tab, "What sings?");
    await tab.engine.rename(conversation, "Mine");
    await world.clock.advance(5_000);
    assert.equal(title(tab, conversation), "Mine");
    assert.equal(server.titleRequests.length, 0);
    // The user is faster than the model.
    server.title = null;
    const second = await answered(server, tab, "What flies?");
    await world.clock.advance(2_000);
    assert.equal(server.titleRequests.length, 1);
    await tab.engine.rename(second, "Mine, too");
    await turns();
    assert.equal(title(tab, second), "Mine, too");
});

test("aMessageOfTheUserEndsTheRequestForATitle", async () => {
    const server = new ScriptedServer();
    server.title = null;
    const world = new World(server, true);
    const tab = await world.open();
    const conversation = await answered(server, tab, "What sings?");
    await world.clock.advance(2_000);
    assert.equal(server.titleRequests.length, 1);
    await tab.engine.send(conversation, { text: "And then?" });
    await turns();
    assert.equal(title(tab, conversation), "What sings?");
    await until(() => server.generations.length === 2, "the second answer");
});

test("aTitleIsOneLineWithoutMarkup", () => {
    const table: [unknown, string | null][] = [
        ["Birds", "Birds"], ["  # Birds  ", "Birds"], ["Title: “Birds at dawn”", "Birds at dawn"],
        ['"Title: Birds."', "Birds"], ["**Birds**\n\nMore", "Birds"], ["1. Birds?", "1. Birds?"],
        ["", null], ["...", null], [null, null], ["x".repeat(81), null], ["Vögel  im\tMai", "Vögel im Mai"],
    ];
    for (const [text, expected] of table) assert.equal(cleanTitle(text), expected, String(text));
});

test("aTemporaryConversationIsStoredNowhere", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    let tab = await world.open();
    const other = await world.open();
    const conversation = await tab.engine.createConversation(true);
    tab.engine.show(conversation);
    await tab.engine.attach(new Blob(["\u0000x"], { type: "image/png" }), "a.png");
    tab.engine.saveDraft(conversation, { text: "draft", attachments: [] });
    await tab.engine.send(conversation, { text: "A secret question" });
    await until(() => server.generations.length === 1, "a generation");
    server.text(server.generations[0], "A secret answer");
    await world.clock.advance(2_000);
    const answer = lastAnswer(tab, conversation);
    assert.equal(message(tab, answer).text, "A secret answer");
    await tab.engine.send(conversation, { text: "A secret message that waits" });
    tab.engine.pageChanged("hidden");
    await turns();
    tab.engine.pageChanged("visible");
    server.finish(server.generations[0], "stop");
    await until(() => server.generations.length === 2, "the waiting message");
    server.finish(server.generations[0], "stop");
    await world.clock.advance(2_000);
    assert.equal(message(tab, answer).state, "done");
    assert.equal(tab.engine.thread(conversation)?.messages.length, 4);
    assert.equal((await tab.engine.search("secret")).length, 4);
    for (const store of ["conversations", "messages", "queue", "drafts", "blobs", "leases"] as const) {
        assert.deepEqual(await world.database.all(store), [], store);
    }
    assert.deepEqual(other.engine.conversations(), []);
    tab = await world.reload(tab);
    assert.equal(tab.engine.thread(conversation), undefined);
});

test("aTemporaryConversationWithoutAMessageGoesWhenTheUserLeavesIt", async () => {
    const tab = await new World(new ScriptedServer()).open();
    const temporary = await tab.engine.createConversation(true);
    const ordinary = await tab.engine.createConversation();
    tab.engine.show(temporary);
    tab.engine.show(ordinary);
    tab.engine.show(null);
    await turns();
    assert.deepEqual(tab.engine.conversations().map(row => row.conversation.id), [ordinary]);
});

test("aTemporaryConversationCanBeKept", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    let tab = await world.open();
    const conversation = await tab.engine.createConversation(true);
    tab.engine.show(conversation);
    await tab.engine.send(conversation, { text: "A question" });
    await until(() => server.generations.length === 1, "a generation");
    server.text(server.generations[0], "The beginning");
    await world.clock.advance(1_000);
    const answer = lastAnswer(tab, conversation);
    let changes = 0;
    tab.engine.subscribe(topics.conversations, () => (changes += 1));
    await tab.engine.keepConversation(conversation);
    await turns();
    assert.equal(changes > 0, true);
    server.text(server.generations[0], " and the end");
    await world.clock.advance(1_000);
    tab = await world.reload(tab);
    tab.engine.show(conversation);
    server.finish(server.generations[0], "stop");
    await world.clock.advance(1_000);
    await until(() => tab.engine.message(answer)?.state === "done", "the end");
    assert.equal(message(tab, answer).text, "The beginning and the end");
    assert.equal(tab.engine.conversations()[0].conversation.isTemporary, undefined);
});
