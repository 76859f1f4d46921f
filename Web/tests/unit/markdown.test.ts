/// <reference path="../../src/view/markdown/ambient.d.ts" />
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks } from "../../src/view/markdown/parse";

/** The types of all tokens of a text, those within lines included. */
function types(text: string): string[] {
    return parseBlocks(text).flatMap(block =>
        block.tokens.flatMap(token => [token.type, ...(token.children ?? []).map(child => child.type)]),
    );
}

/** The formulas of a text. */
function formulas(text: string): string[] {
    return parseBlocks(text).flatMap(block =>
        block.tokens
            .flatMap(token => [token, ...(token.children ?? [])])
            .filter(token => token.type.startsWith("math"))
            .map(token => token.content),
    );
}

test("mathIsRecognisedInEachOfItsForms", () => {
    assert.deepEqual(formulas("$a^2$ and $$b$$ and \\(c\\) and \\[d\\]"), ["a^2", "b", "c", "d"]);
    assert.deepEqual(formulas("$$\n\\frac{a}{b}\n+ c\n- d\n$$"), ["\\frac{a}{b}\n+ c\n- d"]);
    assert.deepEqual(formulas("\\[\nx = 1\n\\]\n\ntext"), ["x = 1"]);
    assert.deepEqual(formulas("- a $x_1*y_1*z$ b"), ["x_1*y_1*z"]);
});

test("moneyIsNotMath", () => {
    for (const text of ["It costs $5 and $6.", "$5-$6", "from $ 5 to 6 $", "5 or 6$ and $", "$5 or 6$ more", "`$a$`"]) {
        assert.deepEqual(formulas(text), [], text);
    }
});

test("anUnfinishedFormulaIsText", () => {
    for (const text of ["$$\n\\frac{a}", "so $a^2", "\\[ x", "\\( y"]) assert.deepEqual(formulas(text), [], text);
});

test("linksOfOtherKindsAreNoLinks", () => {
    for (const url of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x"]) {
        assert.equal(types(`[a](${url})`).includes("link_open"), false, url);
        assert.equal(types(`![a](${url})`).includes("image"), false, url);
    }
    assert.equal(types("[a](https://example.org)").includes("link_open"), true);
});

test("blocksCoverTheLinesOfTheText", () => {
    const text = "# a\n\nb\nc\n\n- d\n- e\n\n```js\nf\n\ng\n```\n\n| h | i |\n| - | - |\n| j | k |\n\n> l";
    const blocks = parseBlocks(text);
    assert.deepEqual(
        blocks.map(block => block.tokens[0]?.type),
        ["heading_open", "paragraph_open", "bullet_list_open", "fence", "table_open", "blockquote_open"],
    );
    let line = 0;
    for (const block of blocks) {
        assert.equal(block.firstLine >= line && block.endLine > block.firstLine, true);
        line = block.endLine;
    }
    assert.equal(line, text.split("\n").length);
});

/** Drawing piece by piece relies on this: a text that is cut between blocks has the same blocks in two parts. */
test("aTextParsedFromItsLastTwoBlocksHasTheSameBlocks", () => {
    const text = "a\n\n* b\n* c\n\nd\n===\n\n    code\n\n1. e\n2. f\n\ng\n\n---\n\nh **i**";
    const lines = text.split("\n");
    const whole = parseBlocks(text);
    for (let cut = 1; cut < whole.length; cut += 1) {
        const first = whole[cut]?.firstLine ?? 0;
        const rest = parseBlocks(lines.slice(first).join("\n"));
        assert.deepEqual(
            rest.map(block => block.tokens.map(token => token.type)),
            whole.slice(cut).map(block => block.tokens.map(token => token.type)),
            `from block ${cut}`,
        );
    }
});

/** A looping model writes such texts. The limit is far above what a slow machine needs, and far below a hang. */
test("hostileTextsEndSoon", () => {
    const texts = [
        "> ".repeat(5000), "1. ".repeat(5000), "***a ".repeat(5000), "*".repeat(5000), "[".repeat(20_000),
        "`".repeat(20_000), "![".repeat(10_000), "<a ".repeat(10_000), "$".repeat(20_000), "\\[".repeat(10_000),
        "| a ".repeat(1000) + "|\n" + "|---".repeat(1000) + "|\n" + ("| b ".repeat(1000) + "|\n").repeat(20),
        "- a\n".repeat(5000), "_a_ ".repeat(5000), "&#".repeat(10_000), "\u202e".repeat(5000), "~~a".repeat(5000),
    ];
    for (const text of texts) {
        const begin = performance.now();
        parseBlocks(text);
        const time = performance.now() - begin;
        assert.equal(time < 5000, true, `${JSON.stringify(text.slice(0, 20))}… took ${Math.round(time)} ms`);
    }
});
