import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryDatabase } from "../../src/engine/database";
import { exported } from "../../src/engine/exporting";
import type { WholeConversation } from "../../src/engine/exporting";
import { readExport } from "../../src/engine/importing";
import { newMessage } from "../../src/engine/records";
import { excerpt, Search } from "../../src/engine/search";
import type { Conversation, ExportFormat } from "../../src/engine/types";
import { ScriptedServer } from "./support/server";
import { ask, World } from "./support/world";

const conversation: Conversation = {
    id: "c1", title: "Birds", isTitleManual: true, createdAt: 1_700_000_000_000, updatedAt: 1_700_000_100_000, isPinned: true,
    model: null, overrides: { temperature: 0.5 }, leaf: "m3", chosen: { "": "m1", m1: "m3" }, origin: null, isUnread: false,
};
const base = { conversation: "c1", createdAt: 1_700_000_000_000 };
const whole: WholeConversation = {
    conversation,
    messages: [
        newMessage({ ...base, id: "m1", parent: null, role: "user", text: "Which?\n\"größte\"", attachments: [
            { id: "a", name: "list.txt", mimeType: "text/plain", kind: "text", size: 5, text: "finch" },
        ] }),
        newMessage({ ...base, id: "m2", parent: "m1", role: "assistant", text: "A finch.", model: "bird" }),
        newMessage({ ...base, id: "m3", parent: "m1", role: "assistant", text: "A swift.", reasoning: "Hm.\nYes.", toolCalls: [
            { id: "t", name: "look", arguments: "{\"a\":1}" },
        ] }),
    ],
};

test("everyFormatOfJSONIsReadBackWithItsTree", () => {
    for (const format of ["martlet", "llama", "openai"] as ExportFormat[]) {
        const file = exported([whole], format, 1_700_000_200_000);
        const read = readExport(file.text, 0);
        assert.equal(read.format, format);
        assert.deepEqual(read.problems, []);
        const [copy] = read.conversations;
        assert.deepEqual([copy.conversation.id, copy.conversation.title, copy.conversation.leaf], ["c1", "Birds", "m3"]);
        assert.equal(copy.conversation.updatedAt, conversation.updatedAt);
        assert.deepEqual(
            copy.messages.map(one => [one.id, one.parent, one.role, one.text]),
            whole.messages.map(one => [one.id, one.parent, one.role, one.text]),
        );
        if (format === "openai") continue;
        assert.deepEqual(copy.messages[2].toolCalls, whole.messages[2].toolCalls);
        assert.equal(copy.messages[2].reasoning, "Hm.\nYes.");
        assert.equal(copy.messages[0].attachments[0].text, "finch");
        assert.equal(copy.conversation.isPinned, true);
    }
    const own = readExport(exported([whole], "martlet", 0).text, 0).conversations[0];
    assert.deepEqual([own.conversation.overrides, own.conversation.chosen], [conversation.overrides, conversation.chosen]);
});

test("markdownHasTheVisibleBranch", () => {
    const file = exported([whole], "markdown", 1_700_000_200_000);
    assert(file.text.startsWith("# Birds\n\n## You"));
    assert(file.text.includes("> Hm.\n> Yes.") && file.text.includes("A swift."));
    assert(!file.text.includes("A finch.\n"));
    assert.equal(file.name, "2023-11-14 Birds.md");
});

test("theOldFileOfLlamaServersPageIsRead", () => {
    const read = readExport(JSON.stringify([{
        conv: { id: "x", name: "Old", lastModified: 1_700_000_000_000, currNode: "b" },
        messages: [
            { id: "r", convId: "x", type: "root", role: "system", content: "", parent: null, children: ["a"], timestamp: 1 },
            { id: "a", convId: "x", type: "text", role: "user", content: "Hi", parent: "r", children: ["b"], timestamp: 1_700_000_000_000 },
            { id: "b", convId: "x", type: "text", role: "assistant", content: "Ho", parent: "a", children: [], thinking: "hm",
              toolCalls: "[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]", timestamp: 1_700_000_001_000 },
        ],
    }]), 0);
    assert.equal(read.format, "llama");
    assert.deepEqual(read.conversations[0].messages.map(one => [one.text, one.parent]), [["Hi", null], ["Ho", "a"]]);
    assert.equal(read.conversations[0].messages[1].toolCalls[0].name, "f");
    assert.equal(read.conversations[0].messages[1].reasoning, "hm");
});

test("anExportOfOpenWebUIIsRead", () => {
    const read = readExport(JSON.stringify([{
        id: "w", title: "Web", created_at: 1_700_000_000, updated_at: 1_700_000_050,
        chat: { title: "Web", history: { currentId: "2", messages: {
            "1": { id: "1", parentId: null, childrenIds: ["2"], role: "user", content: "Hi", timestamp: 1_700_000_000 },
            "2": { id: "2", parentId: "1", childrenIds: [], role: "assistant", model: "bird", timestamp: 1_700_000_001,
                   content: "<details type=\"reasoning\" done=\"true\"><summary>Thought</summary>\n> hm\n</details>\nHo" },
        } } },
    }]), 0);
    assert.equal(read.format, "open-webui");
    const [one] = read.conversations;
    assert.deepEqual(one.messages.map(found => [found.text, found.reasoning, found.parent]), [["Hi", "", null], ["Ho", "hm", "1"]]);
    assert.equal(one.conversation.leaf, "2");
});

test("toolNodesAndHiddenNodesOfOpenAIAreSkippedWithoutLosingWhatFollows", () => {
    const read = readExport(JSON.stringify({ title: "T", create_time: 1_700_000_000, conversation_id: "o", current_node: "d", mapping: {
        a: { id: "a", parent: null, children: ["b"], message: null },
        b: { id: "b", parent: "a", children: ["c"], message: { author: { role: "user" }, content: { parts: ["Q"] } } },
        c: { id: "c", parent: "b", children: ["d"], message: { author: { role: "tool" }, content: { parts: ["x"] } } },
        d: { id: "d", parent: "c", children: [], message: { author: { role: "assistant" }, content: { parts: ["A", { text: "B" }] } } },
    } }), 0);
    assert.deepEqual(read.conversations[0].messages.map(one => [one.text, one.parent]), [["Q", null], ["A\n\nB", "b"]]);
});

test("damagedFilesAreRefusedInWordsOrReadAsFarAsTheyGo", () => {
    for (const text of ["", "nonsense", "[]", "{}", "[1,2]", "null"]) assert.throws(() => readExport(text, 0));
    const damaged = exported([whole], "martlet", 0).text + "{\"type\":\"martlet.mess\n";
    const read = readExport(damaged, 0);
    assert.equal(read.conversations[0].messages.length, 3);
    assert.deepEqual(read.problems, ["Line 5 is not JSON."]);
});

test("anImportNeverOverwritesNewerChats", async () => {
    const tab = await new World(new ScriptedServer()).open();
    const text = exported([whole], "llama", 0).text;
    const first = await tab.engine.readImport("a.jsonl", text);
    assert.deepEqual([first.conversations, first.messages, first.skipped], [1, 3, 0]);
    assert.equal(tab.engine.conversations().length, 0);
    assert.equal(await first.commit(), 1);
    assert.equal(tab.engine.conversations()[0].conversation.title, "Birds");
    const second = await tab.engine.readImport("a.jsonl", text);
    assert.deepEqual([second.conversations, second.skipped], [0, 1]);
    // Another chat with the ids of these messages must not replace them.
    const foreign = exported([{ ...whole, conversation: { ...conversation, id: "c9" } }], "martlet", 0).text;
    const third = await tab.engine.readImport("b.jsonl", foreign);
    assert.deepEqual([third.conversations, third.problems.length], [0, 1]);
});

test("theSearchFindsTextsAndTitlesTheNewestFirst", async () => {
    const database = new MemoryDatabase();
    await database.change([], () => whole.messages.map(one => ({ put: ["messages", one] })));
    const search = new Search(database);
    const hits = await search.find("GRÖSSTE", [conversation], 10);
    assert.deepEqual(hits, []);
    const [hit] = await search.find("größte", [conversation], 10);
    assert.deepEqual([hit.message, hit.excerpt.slice(hit.start, hit.start + hit.length)], ["m1", "größte"]);
    const titles = await search.find("bird", [conversation], 10);
    assert.deepEqual(titles.map(one => one.message), [null]);
    assert.equal((await search.find("a", [conversation], 2)).length, 2);
    const both = await search.find("a swift", [conversation], 10);
    assert.deepEqual(both.map(one => one.message), ["m3"]);
});

test("aSearchDuringTheFirstOneWaitsForTheTexts", async () => {
    const world = new World(new ScriptedServer());
    const tab = await world.open();
    await ask(tab, "Where do swallows sleep?");
    world.database.delay = 40;
    const hits = [tab.engine.search(""), tab.engine.search("s"), tab.engine.search("sw")];
    await world.clock.advance(1_000);
    const counts = (await Promise.all(hits)).map(found => found.length);
    assert.equal(counts[0], 0);
    assert(counts[1] > 0 && counts[1] === counts[2], String(counts));
});

test("tenThousandMessagesAreSearchedInOneScan", async () => {
    const database = new MemoryDatabase();
    const many = Array.from({ length: 10_000 }, (_, index) =>
        newMessage({ ...base, id: `n${index}`, parent: null, role: "user", text: `line ${index} of the text` }));
    await database.change([], () => many.map(one => ({ put: ["messages", one] })));
    const search = new Search(database);
    assert.equal((await search.find("9999", [conversation], 10))[0].message, "n9999");
});

test("anExcerptNeverCutsACharacter", () => {
    const text = "🐦".repeat(100) + "here" + "🐦".repeat(100);
    for (let before = 0; before < 6; before += 1) {
        const around = excerpt(text, 200, 4, before, 5 + before);
        assert(!/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(around.excerpt));
        assert.equal(around.excerpt.slice(around.start, around.start + 4), "here");
    }
});
