import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageProblem } from "../../src/engine/database";
import type { MessageState } from "../../src/engine/types";
import { ScriptedServer } from "./support/server";
import type { Generation } from "./support/server";
import { ask, lastAnswer, message, turns, until, World } from "./support/world";
import type { Tab } from "./support/world";

const pieces = ["The ", "größte ", "bird 🐦", " sings", " at", " dawn."];

function write(server: ScriptedServer, generation: Generation, from = 0, to = pieces.length): void {
    for (const piece of pieces.slice(from, to)) server.text(generation, piece);
}

async function begun(server: ScriptedServer): Promise<Generation> {
    await until(() => server.generations.length > 0, "a generation");
    return server.generations[0];
}

async function reaches(tab: Tab, id: string, state: MessageState): Promise<void> {
    await until(() => tab.engine.message(id)?.state === state, `${state}, but ${tab.engine.message(id)?.state}`);
}

test("anAnswerIsReadToItsEnd", async () => {
    const server = new ScriptedServer();
    server.pieceSize = 3;
    const world = new World(server);
    const tab = await world.open();
    const { conversation, answer } = await ask(tab, "What sings?");
    const generation = await begun(server);
    assert.deepEqual(generation.body.messages, [{ role: "user", content: "What sings?" }]);
    assert.equal(generation.body.background, true);
    write(server, generation);
    server.finish(generation, "stop");
    await reaches(tab, answer, "done");
    assert.equal(message(tab, answer).text, pieces.join(""));
    assert.equal(message(tab, answer).statistics?.promptTokens, 10);
    assert.equal(tab.engine.gauge(conversation).cached, 4);
    assert.equal(tab.engine.conversations()[0].conversation.title, "What sings?");
    assert.deepEqual(await world.database.all("leases"), []);
});

test("aReloadAtAnyMomentLosesNothingAndRepeatsNothing", async () => {
    for (let moment = 0; moment <= pieces.length; moment += 1) {
        const server = new ScriptedServer();
        const world = new World(server);
        let tab = await world.open();
        const { conversation, answer } = await ask(tab, "Go");
        const generation = await begun(server);
        write(server, generation, 0, moment);
        // Half of the time the last flush is older than the text.
        await world.clock.advance(moment % 2 === 0 ? 600 : 20);
        tab = await world.reload(tab);
        tab.engine.show(conversation);
        write(server, generation, moment);
        server.finish(generation, "stop");
        await world.clock.advance(50);
        await reaches(tab, answer, "done");
        assert.equal(message(tab, answer).text, pieces.join(""), `reload after ${moment} pieces`);
        assert.equal(server.generations.length, 1);
    }
});

test("aCutAfterAnyEventIsReadOnWithoutAGap", async () => {
    for (let moment = 0; moment <= pieces.length; moment += 1) {
        const server = new ScriptedServer();
        const world = new World(server);
        const tab = await world.open();
        const { answer } = await ask(tab, "Go");
        const generation = await begun(server);
        await until(() => server.openStreams === 1, "a stream");
        write(server, generation, 0, moment);
        await turns();
        server.dropConnections();
        server.isDown = true;
        await world.clock.advance(3_000);
        assert.equal(tab.engine.stream(answer)?.connection, "lost");
        assert.equal(tab.engine.stream(answer)?.words, "Connection lost. Reconnecting…");
        server.isDown = false;
        write(server, generation, moment);
        server.finish(generation, "stop");
        await world.clock.advance(10_000);
        await reaches(tab, answer, "done");
        assert.equal(message(tab, answer).text, pieces.join(""));
        assert.equal(tab.engine.stream(answer), undefined);
    }
});

test("aLostReplyDoesNotSendTheQuestionTwice", async () => {
    const server = new ScriptedServer();
    server.losesNextReply = true;
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Once");
    await world.clock.advance(2_000);
    const generation = await begun(server);
    write(server, generation);
    server.finish(generation, "stop");
    await reaches(tab, answer, "done");
    assert.equal(server.generations.length, 1);
    assert.equal(message(tab, answer).text, pieces.join(""));
});

test("aReloadBeforeTheReplyDoesNotSendTheQuestionTwice", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    let tab = await world.open();
    server.losesNextReply = true;
    const { answer } = await ask(tab, "Once");
    await until(() => server.generations.length === 1, "an accepted request whose reply is lost");
    tab = await world.reload(tab);
    await world.clock.advance(2_000);
    const generation = await begun(server);
    server.finish(generation, "stop");
    await reaches(tab, answer, "done");
    assert.equal(server.generations.length, 1);
});

test("aServerThatIsDownGetsTheQuestionLater", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    server.isDown = true;
    const { answer } = await ask(tab, "Later");
    await world.clock.advance(20_000);
    assert.equal(message(tab, answer).state, "sending");
    server.isDown = false;
    await world.clock.advance(10_000);
    const generation = await begun(server);
    server.finish(generation, "stop");
    await reaches(tab, answer, "done");
    assert.equal(server.generations.length, 1);
});

test("aConnectionThatDeliversNothingIsLeft", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Go");
    const generation = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    write(server, generation, 0, 2);
    await turns();
    server.stall();
    write(server, generation, 2);
    await world.clock.advance(4_100);
    await world.clock.advance(2_000);
    server.finish(generation, "stop");
    await world.clock.advance(2_000);
    await reaches(tab, answer, "done");
    assert.equal(message(tab, answer).text, pieces.join(""));
});

test("aLongPromptIsNoReasonToConnectAgain", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Long");
    const generation = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    await world.clock.advance(120_000);
    assert.equal(server.requests.filter(request => request.endsWith("/events")).length, 1);
    server.finish(generation, "stop");
    await reaches(tab, answer, "done");
});

test("aHandoverConnectsAgain", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Go");
    const generation = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    write(server, generation, 0, 3);
    server.raw(generation, "id: 4\nevent: handover\ndata: {\"choices\":[],\"error\":{\"message\":\"restart\"}}\n\n");
    await world.clock.advance(1_000);
    write(server, generation, 3);
    server.finish(generation, "stop");
    await world.clock.advance(1_000);
    await reaches(tab, answer, "done");
    assert.equal(message(tab, answer).text, pieces.join(""));
});

test("anAnswerThatTheServerForgotKeepsItsTextAndCanBeContinued", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Go");
    const first = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    write(server, first, 0, 3);
    await turns();
    server.forget();
    await world.clock.advance(2_000);
    await reaches(tab, answer, "interrupted");
    assert.equal(message(tab, answer).text, pieces.slice(0, 3).join(""));
    assert.equal(tab.engine.actions(answer).continue, true);
    await tab.engine.continueAnswer(answer);
    const second = await begun(server);
    assert.deepEqual(second.body.messages, [
        { role: "user", content: "Go" },
        { role: "assistant", content: pieces.slice(0, 3).join("") },
    ]);
    assert.equal(second.body.continue_final_message, true);
    write(server, second, 3);
    server.finish(second, "stop");
    await reaches(tab, answer, "done");
    assert.equal(message(tab, answer).text, pieces.join(""));
});

test("stopEndsAnAnswerInEveryPhase", async () => {
    const phases: { name: string; prepare: (server: ScriptedServer, generation: Generation) => void }[] = [
        { name: "queued", prepare: () => {} },
        { name: "prompting", prepare: (server, generation) => server.delta(generation, {}) },
        { name: "reasoning", prepare: (server, generation) => server.think(generation, "Hm") },
        { name: "answering", prepare: (server, generation) => server.text(generation, "So") },
    ];
    for (const { name, prepare } of phases) {
        const server = new ScriptedServer();
        server.queues = name === "queued";
        const world = new World(server);
        const tab = await world.open();
        const { conversation, answer } = await ask(tab, "Go");
        const generation = await begun(server);
        await until(() => server.openStreams === 1, "a stream");
        prepare(server, generation);
        await turns();
        void tab.engine.stop(answer);
        assert.equal(message(tab, answer).state, "stopping", name);
        await reaches(tab, answer, "stopped");
        assert(generation.isStopped);
        assert.equal(tab.engine.thread(conversation)?.running, null);
    }
});

test("theServerPageStopsAlsoAGenerationThatWaits", async () => {
    for (const queues of [true, false]) {
        const server = new ScriptedServer();
        server.queues = queues;
        const world = new World(server);
        const tab = await world.open();
        const { answer } = await ask(tab, "Go");
        const generation = await begun(server);
        await tab.engine.control(generation.id, "stop");
        assert(generation.isStopped);
        await reaches(tab, answer, "stopped");
        assert.deepEqual(tab.engine.notices(), []);
    }
});

test("stopBeforeTheReplySendsNothingMore", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    server.isDown = true;
    const { answer } = await ask(tab, "Go");
    await turns();
    void tab.engine.stop(answer);
    server.isDown = false;
    await world.clock.advance(10_000);
    await reaches(tab, answer, "stopped");
    assert.equal(server.generations.length, 0);
});

test("stopWhileTheServerIsAwayIsSentWhenItReturnsAlsoByALaterPage", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    let tab = await world.open();
    const { answer } = await ask(tab, "Go");
    const generation = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    write(server, generation, 0, 2);
    await turns();
    server.dropConnections();
    server.isDown = true;
    void tab.engine.stop(answer);
    await world.clock.advance(1_000);
    tab = await world.reload(tab);
    server.isDown = false;
    await world.clock.advance(20_000);
    await reaches(tab, answer, "stopped");
    assert(generation.isStopped);
    assert.equal(message(tab, answer).text, pieces.slice(0, 2).join(""));
});

test("twoTabsShowTheSameTextOverOneConnectionAndEitherStopsIt", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const first = await world.open();
    const { conversation, answer } = await ask(first, "Go");
    const generation = await begun(server);
    const second = await world.open();
    second.engine.show(conversation);
    second.engine.thread(conversation);
    await world.clock.advance(100);
    write(server, generation, 0, 4);
    await world.clock.advance(200);
    assert.equal(message(second, answer).text, pieces.slice(0, 4).join(""));
    assert.equal(second.engine.stream(answer)?.connection, "followed");
    assert.equal(server.openStreams, 1);
    void second.engine.stop(answer);
    await reaches(first, answer, "stopped");
    await reaches(second, answer, "stopped");
    assert.equal(message(second, answer).text, message(first, answer).text);
});

test("aTabTakesAnAnswerOverWhenItsReaderDies", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const first = await world.open();
    const { conversation, answer } = await ask(first, "Go");
    const generation = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    const second = await world.open();
    second.engine.show(conversation);
    second.engine.thread(conversation);
    write(server, generation, 0, 3);
    await world.clock.advance(700);
    world.kill(first);
    write(server, generation, 3);
    await world.clock.advance(8_000);
    server.finish(generation, "stop");
    await world.clock.advance(1_000);
    await reaches(second, answer, "done");
    assert.equal(message(second, answer).text, pieces.join(""));
    assert.equal(server.generations.length, 1);
});

test("aFrozenTabStepsDownWhenItWakes", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const first = await world.open();
    const { conversation, answer } = await ask(first, "Go");
    const generation = await begun(server);
    const second = await world.open();
    second.engine.show(conversation);
    second.engine.thread(conversation);
    await world.clock.advance(700);
    first.isFrozen = true;
    await world.clock.advance(8_000);
    write(server, generation);
    await world.clock.advance(1_000);
    first.isFrozen = false;
    first.engine.pageChanged("hidden");
    await world.clock.advance(1_000);
    server.finish(generation, "stop");
    await world.clock.advance(5_000);
    await reaches(second, answer, "done");
    await reaches(first, answer, "done");
    const stored = await world.database.get<{ id: string; text: string }>("messages", answer);
    assert.equal(stored?.text, pieces.join(""));
});

test("aQueuedMessageSurvivesAReloadAndIsSentOnce", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    let tab = await world.open();
    const { conversation, answer } = await ask(tab, "First");
    const generation = await begun(server);
    await tab.engine.send(conversation, { text: "Second" });
    assert.equal(tab.engine.thread(conversation)?.queue.length, 1);
    const other = await world.open();
    other.engine.thread(conversation);
    await world.clock.advance(1_000);
    tab = await world.reload(tab);
    assert.equal(tab.engine.thread(conversation)?.queue[0].text, "Second");
    server.finish(generation, "stop");
    await world.clock.advance(1_000);
    await reaches(tab, answer, "done");
    await until(() => server.generations.length === 2, "the second question");
    await world.clock.advance(5_000);
    assert.equal(server.generations.length, 2);
    assert.deepEqual(tab.engine.thread(conversation)?.queue, []);
    const shown = tab.engine.thread(conversation)?.messages.map(one => one.role);
    assert.deepEqual(shown, ["user", "assistant", "user", "assistant"]);
});

test("aQueuedMessageWaitsForTheUserAfterAStop", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { conversation, answer } = await ask(tab, "First");
    await begun(server);
    await tab.engine.send(conversation, { text: "Second" });
    void tab.engine.stop(answer);
    await reaches(tab, answer, "stopped");
    await world.clock.advance(5_000);
    const [queued] = tab.engine.thread(conversation)?.queue ?? [];
    assert.equal(queued.text, "Second");
    await tab.engine.sendQueuedNow(queued.id);
    await until(() => server.generations.length === 2, "the second question");
});

test("sixAnswersAtOnceHoldTwoConnectionsAndAllEnd", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const asked: { conversation: string; answer: string }[] = [];
    for (let count = 0; count < 6; count += 1) asked.push(await ask(tab, `Question ${count}`));
    await until(() => server.generations.length === 6, "six generations");
    await world.clock.advance(100);
    assert(server.openStreams <= 2, `${server.openStreams} streams`);
    assert.equal(tab.engine.conversations().filter(row => row.activity === "running").length, 6);
    for (const generation of server.generations) {
        write(server, generation);
        server.finish(generation, "stop");
    }
    await world.clock.advance(20_000);
    for (const { conversation, answer } of asked) {
        tab.engine.thread(conversation);
        await until(() => tab.engine.message(answer) !== undefined, "the thread");
        assert.equal(message(tab, answer).state, "done");
        assert.equal(message(tab, answer).text, pieces.join(""));
    }
});

test("aSlowWriteNeverShowsOlderText", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Go");
    const generation = await begun(server);
    await until(() => server.openStreams === 1, "a stream");
    const lengths: number[] = [];
    tab.engine.subscribe("message/" + answer, () => lengths.push(message(tab, answer).text.length));
    world.database.delay = 40;
    for (const piece of pieces) {
        server.text(generation, piece);
        await world.clock.advance(500);
    }
    server.finish(generation, "stop");
    await world.clock.advance(2_000);
    await reaches(tab, answer, "done");
    assert.deepEqual(lengths, [...lengths].sort((left, right) => left - right));
});

test("aStopThatArrivesWhileTheEndIsStoredChangesNothing", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const reader = await world.open();
    const { conversation, answer } = await ask(reader, "Go");
    const generation = await begun(server);
    server.text(generation, "So");
    const follower = await world.open();
    follower.engine.show(conversation);
    await until(() => message(follower, answer)?.text === "So", "the text in the other tab");
    world.database.delay = 40;
    server.finish(generation, "stop");
    await turns();
    // The other tab has not heard of the end yet.
    assert.equal(message(follower, answer).state, "answering");
    void follower.engine.stop(answer);
    await world.clock.advance(2_000);
    for (const tab of [reader, follower]) await reaches(tab, answer, "done");
    await world.clock.advance(2_000);
    const stored = await world.database.get<{ id: string; state: string }>("messages", answer);
    assert.equal(stored?.state, "done");
});

test("aRefusalFailsTheAnswerWithTheServersWords", async () => {
    const server = new ScriptedServer();
    server.refusal = { status: 400, body: { error: { message: "too long", n_prompt_tokens: 9, n_ctx: 4 } } };
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Go");
    await reaches(tab, answer, "failed");
    assert.equal(message(tab, answer).failure?.promptTokens, 9);
    assert.equal(tab.engine.actions(answer).regenerate, true);
});

test("aNewKeyGoesOnWithTheWaitingQuestion", async () => {
    const server = new ScriptedServer();
    server.key = "secret";
    const world = new World(server);
    const tab = await world.open();
    await until(() => tab.engine.server().status === "keyNeeded", "the question for a key");
    const { answer } = await ask(tab, "Go");
    await world.clock.advance(100);
    assert.equal(tab.engine.stream(answer)?.words, "The server needs a key");
    await tab.engine.setKey("secret", "session");
    await world.clock.advance(100);
    const generation = await begun(server);
    server.finish(generation, "stop");
    await world.clock.advance(100);
    await reaches(tab, answer, "done");
    await until(() => tab.engine.server().status === "ready", "ready");
});

test("aFullStorageIsShownAndTheAnswerGoesOn", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { answer } = await ask(tab, "Go");
    const generation = await begun(server);
    world.database.refusal = new StorageProblem("full", "The storage of this browser is full.");
    write(server, generation);
    await world.clock.advance(1_000);
    assert.equal(tab.engine.server().storageProblem, "The storage of this browser is full.");
    assert.equal(message(tab, answer).text, pieces.join(""));
    world.database.refusal = null;
    server.finish(generation, "stop");
    await world.clock.advance(1_000);
    await reaches(tab, answer, "done");
    assert.equal(tab.engine.server().storageProblem, null);
});

test("aStorageThatIsFullFromTheBeginningLosesNoAnswer", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const conversation = await tab.engine.createConversation();
    world.database.refusal = new StorageProblem("full", "The storage of this browser is full.");
    await tab.engine.send(conversation, { text: "Go" });
    const answer = lastAnswer(tab, conversation);
    const generation = await begun(server);
    write(server, generation);
    await world.clock.advance(2_000);
    server.finish(generation, "stop");
    await world.clock.advance(1_000);
    await reaches(tab, answer, "done");
    assert.equal(message(tab, answer).text, pieces.join(""));
});

test("anAnswerThatAnotherTabRemovesIsStoppedAtTheServer", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const first = await world.open();
    const { conversation, answer } = await ask(first, "Go");
    const generation = await begun(server);
    const second = await world.open();
    second.engine.thread(conversation);
    await world.clock.advance(1_000);
    await second.engine.removeConversations([conversation]);
    await world.clock.advance(2_000);
    assert(generation.isStopped);
    assert.equal(await world.database.get("messages", answer), undefined);
    assert.equal(first.engine.conversations().length, 0);
});

test("versionsEditsAndRemovalsCanBeWalkedAndUndone", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { conversation, answer } = await ask(tab, "Go");
    server.finish(await begun(server), "stop");
    await reaches(tab, answer, "done");
    await tab.engine.regenerate(answer);
    await until(() => server.generations.length === 2, "a second version");
    const second = lastAnswer(tab, conversation);
    server.finish(server.generations[0], "stop");
    await reaches(tab, second, "done");
    assert.deepEqual(tab.engine.versions(second), { index: 1, count: 2, versions: [answer, second] });
    await tab.engine.selectVersion(answer);
    assert.equal(lastAnswer(tab, conversation), answer);
    const question = tab.engine.thread(conversation)?.messages[0].id ?? "";
    await tab.engine.edit(question, "Go on", "newVersion");
    await until(() => server.generations.length === 3, "an answer to the edit");
    assert.equal(tab.engine.thread(conversation)?.messages[0].text, "Go on");
    server.finish(server.generations[0], "stop");
    const edited = lastAnswer(tab, conversation);
    await reaches(tab, edited, "done");
    assert.equal(tab.engine.removalSize(question), 3);
    await tab.engine.remove(question);
    assert.equal(tab.engine.versions(tab.engine.thread(conversation)?.messages[0].id ?? "").count, 1);
    const [notice] = tab.engine.notices();
    assert.equal(notice.action?.label, "Undo");
    notice.action?.run();
    await until(() => tab.engine.message(question) !== undefined, "the undo");
    assert.equal(tab.engine.removalSize(question), 3);
    const branch = await tab.engine.branch(answer, true);
    const copied = tab.engine.thread(branch)?.messages.map(one => one.text);
    assert.deepEqual(copied?.length, 2);
    await tab.engine.removeConversations([conversation]);
    assert.equal(tab.engine.conversations().length, 1);
});

test("theUnreadMarkAppearsInTheBackgroundAndEndsWhenTheChatIsShown", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const { conversation, answer } = await ask(tab, "Go");
    const generation = await begun(server);
    tab.engine.show(null);
    assert.equal(tab.engine.conversations()[0].activity, "running");
    server.finish(generation, "stop");
    await reaches(tab, answer, "done");
    await until(() => tab.engine.conversations()[0].activity === "unread", "unread");
    tab.engine.show(conversation);
    await until(() => tab.engine.conversations()[0].activity === "idle", "read");
});

test("aDraftSurvivesAReload", async () => {
    const world = new World(new ScriptedServer());
    let tab = await world.open();
    const conversation = await tab.engine.createConversation();
    tab.engine.saveDraft(conversation, { text: "half a thou", attachments: [] });
    tab = await world.reload(tab);
    await turns();
    assert.equal((await tab.engine.draft(conversation)).text, "half a thou");
});

test("theBytesOfAnAttachmentLiveAsLongAsAMessageNamesIt", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const image = await tab.engine.attach(new Blob([Uint8Array.of(1, 2)], { type: "image/png" }), "a.png");
    const text = await tab.engine.attach(new Blob(["finch"]), "list.txt");
    assert.deepEqual([image.kind, text.kind, text.text], ["image", "text", "finch"]);
    const conversation = await tab.engine.createConversation();
    tab.engine.show(conversation);
    assert.equal(tab.engine.sendProblem(conversation, { text: "", attachments: [] })?.reason, "empty");
    await until(() => tab.engine.models().models.length === 1, "the models");
    // The model cannot see: the page says so, and sends nothing.
    assert.equal(tab.engine.sendProblem(conversation, { text: "Look", attachments: [image] })?.reason, "cannotSee");
    await tab.engine.send(conversation, { text: "Read", attachments: [text] });
    const generation = await begun(server);
    const [question] = generation.body.messages as { content: string }[];
    assert.equal(question.content, "--- File: list.txt ---\nfinch\n--- End of file ---\n\nRead");
    server.finish(generation, "stop");
    const answer = lastAnswer(tab, conversation);
    await reaches(tab, answer, "done");
    // Two chats share the image; it is removed with the second one, when that cannot be undone any more.
    const stored = message(tab, tab.engine.thread(conversation)?.messages[0].id ?? "");
    await world.database.change([], () => [{ put: ["messages", { ...stored, attachments: [image] }] }]);
    const again = await world.open();
    again.engine.thread(conversation);
    await world.clock.advance(100);
    const branch = await again.engine.branch(answer, true);
    await again.engine.removeConversations([conversation]);
    await world.clock.advance(12_000);
    assert((await again.engine.attachmentBlob(image.id)) !== null);
    await again.engine.removeConversations([branch]);
    await world.clock.advance(5_000);
    assert((await again.engine.attachmentBlob(image.id)) !== null);
    await world.clock.advance(7_000);
    assert.equal(await again.engine.attachmentBlob(image.id), null);
});

test("aShownChatIsNeverForgottenAndALongUnusedOneIsReadAgain", async () => {
    const server = new ScriptedServer();
    const world = new World(server);
    const tab = await world.open();
    const first = await ask(tab, "The first");
    server.finish(await begun(server), "stop");
    await reaches(tab, first.answer, "done");
    for (let count = 0; count < 8; count += 1) {
        await world.database.change([], () => [
            { put: ["conversations", { ...tab.engine.conversations()[0].conversation, id: `other${count}`, leaf: null }] },
        ]);
    }
    const again = await world.open();
    again.engine.show(first.conversation);
    again.engine.thread(first.conversation);
    await turns();
    for (let count = 0; count < 8; count += 1) {
        again.engine.thread(`other${count}`);
        await turns();
    }
    assert.equal(again.engine.message(first.answer)?.state, "done");
    again.engine.show("other7");
    await again.engine.removeConversations(["other1", "other2"]);
    again.engine.thread(first.conversation);
    await turns();
    assert.equal(again.engine.message(first.answer)?.state, "done");
    // Six other chats later its messages are forgotten, and a look at it reads them.
    await world.database.change([], () => [
        { put: ["conversations", { ...again.engine.conversations()[0].conversation, id: "other8", leaf: null }] },
    ]);
    const third = await world.open();
    third.engine.thread(first.conversation);
    await turns();
    assert.equal(third.engine.thread(first.conversation)?.messages.length, 2);
    for (const count of [0, 3, 4, 5, 6, 7, 8]) {
        third.engine.thread(`other${count}`);
        await turns();
    }
    assert.equal(third.engine.message(first.answer), undefined);
    assert.equal(third.engine.thread(first.conversation)?.isLoaded, false);
    await turns();
    assert.equal(third.engine.thread(first.conversation)?.messages.length, 2);
    assert.equal(third.engine.message(first.answer)?.state, "done");
});
