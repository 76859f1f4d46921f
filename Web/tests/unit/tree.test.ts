import assert from "node:assert/strict";
import { test } from "node:test";
import { newMessage } from "../../src/engine/records";
import { chosenAlong, MessageTree } from "../../src/engine/tree";
import type { Conversation, Message } from "../../src/engine/types";

const conversation: Conversation = {
    id: "c", title: "", isTitleManual: false, createdAt: 0, updatedAt: 0, isPinned: false, model: null, overrides: {},
    leaf: null, chosen: {}, origin: null, isUnread: false,
};

function message(id: string, parent: string | null, createdAt = 0): Message {
    return newMessage({ id, conversation: "c", parent, role: "user", createdAt, text: id });
}

/** A small generator of pseudo-random numbers, so that a failure can be repeated. */
function random(seed: number): (limit: number) => number {
    let state = seed;
    return limit => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        return Math.floor((state / 2_147_483_648) * limit);
    };
}

test("pathsVersionsAndSubtreesEqualThoseOfANaiveModel", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
        const next = random(seed);
        const messages: Message[] = [];
        for (let index = 0; index < 1 + next(30); index += 1) {
            const parent = messages.length === 0 || next(6) === 0 ? null : messages[next(messages.length)].id;
            messages.push(message(`m${index}`, parent, next(4)));
        }
        const tree = new MessageTree([...messages].reverse());
        for (const one of messages) {
            const path: string[] = [];
            for (let place: Message | undefined = one; place; place = messages.find(other => other.id === place?.parent)) {
                path.unshift(place.id);
            }
            assert.deepEqual(tree.path(one.id).map(found => found.id), path);
            const siblings = messages.filter(other => other.parent === one.parent);
            siblings.sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
            const versions = tree.versions(one.id);
            assert.deepEqual(versions.versions, siblings.map(other => other.id));
            assert.equal(versions.versions[versions.index], one.id);
            const below = messages.filter(other => tree.path(other.id).some(above => above.id === one.id));
            assert.deepEqual([...tree.subtree(one.id)].sort(), below.map(other => other.id).sort());
            const leaf = tree.leafBelow(one.id, {});
            assert(below.some(other => other.id === leaf) && tree.children(leaf).length === 0);
        }
    }
});

test("aLeafFollowsTheChosenChildren", () => {
    const tree = new MessageTree([message("a", null), message("b", "a", 1), message("c", "a", 2), message("d", "b", 3)]);
    assert.equal(tree.leafBelow("a", {}), "c");
    assert.equal(tree.leafBelow("a", { a: "b" }), "d");
    assert.deepEqual(chosenAlong(tree.path("d"), { x: "y" }), { x: "y", "": "a", a: "b", b: "d" });
    assert.equal(tree.leaf({ ...conversation, leaf: "gone", chosen: { a: "b" } }), "d");
});

test("aRemovalShowsASiblingElseTheParent", () => {
    const tree = new MessageTree([message("a", null), message("b", "a", 1), message("c", "a", 2), message("d", "c", 3)]);
    const shown = { ...conversation, leaf: "d" };
    assert.equal(tree.leafWithout("c", shown), "b");
    assert.equal(tree.leafWithout("d", shown), "c");
    assert.equal(tree.leafWithout("b", shown), "d");
    assert.equal(new MessageTree([message("a", null)]).leafWithout("a", { ...conversation, leaf: "a" }), null);
});

test("damagedRecordsNeitherLoseAMessageNorLoopForEver", () => {
    const tree = new MessageTree([message("a", "b"), message("b", "a"), message("c", "gone")]);
    assert.deepEqual(tree.children(null), ["c"]);
    assert.equal(tree.path("a").length, 2);
    assert.equal(tree.subtree("a").length, 2);
    assert(["a", "b"].includes(tree.leafBelow("a", {})));
});
