import MarkdownIt, { BlockState, InlineState, Token } from "markdown-it";

/**
 * Markdown as tokens: GitHub's tables and strikethrough, line breaks as written, and math.
 *
 * Example: `$a^2$` becomes a token `math_inline`, `$5 and $6` stays text.
 */
const markdown = new MarkdownIt({ html: true, linkify: false, breaks: true, maxNesting: 40 });

// Links of other kinds are shown as text; see `linkTarget` for the same rule at the place where nodes are made.
markdown.validateLink = url => /^(https?:|mailto:|#|data:image\/(png|jpeg|gif|webp);)/i.test(url.trim());

/** Whether the text of `$…$` is math: money is not ("$5 or 6$ more"). */
function isMath(text: string, next: string): boolean {
    if (text === "" || /^\s|\s$/.test(text) || /^\d/.test(next)) return false;
    return !/^\d/.test(text) || !/\s/.test(text) || /[\\^_={}]/.test(text);
}

/** `$…$`, `$$…$$`, `\(…\)` and `\[…\]` within a paragraph. */
function mathInline(state: InlineState, silent: boolean): boolean {
    const { src, pos } = state;
    const dollar = src[pos] === "$";
    if (!dollar && !(src[pos] === "\\" && (src[pos + 1] === "(" || src[pos + 1] === "["))) return false;
    const open = dollar ? (src[pos + 1] === "$" ? "$$" : "$") : src.slice(pos, pos + 2);
    const close = dollar ? open : open === "\\(" ? "\\)" : "\\]";
    const begin = pos + open.length;
    let end = src.indexOf(close, begin);
    // A backslash in front of a dollar is part of the formula.
    while (dollar && end > 0 && src[end - 1] === "\\") end = src.indexOf(close, end + 1);
    if (end < 0 || end > state.posMax) return false;
    const text = src.slice(begin, end);
    if (open === "$" && (text.includes("\n") || !isMath(text, src[end + 1] ?? ""))) return false;
    if (text.trim() === "") return false;
    if (!silent) {
        const token = state.push(open === "$" || open === "\\(" ? "math_inline" : "math_display", "math", 0);
        token.content = text;
        token.markup = open;
    }
    state.pos = end + close.length;
    return true;
}

/** A formula that begins a line with `$$` or `\[`, and may have lines that would mean something else in Markdown. */
function mathBlock(state: BlockState, start: number, end: number, silent: boolean): boolean {
    const line = (index: number) =>
        state.src.slice((state.bMarks[index] ?? 0) + (state.tShift[index] ?? 0), state.eMarks[index]);
    const first = line(start).trimEnd();
    const open = first.slice(0, 2);
    if (open !== "$$" && open !== "\\[") return false;
    const close = open === "$$" ? "$$" : "\\]";
    const lines: string[] = [];
    let index = start;
    let text = first.slice(2);
    for (;;) {
        if (text.trimEnd().endsWith(close)) {
            lines.push(text.trimEnd().slice(0, -2));
            break;
        }
        // Text behind the end of the formula: the paragraph shows both.
        if (text.includes(close)) return false;
        lines.push(text);
        index += 1;
        if (index >= end || (state.sCount[index] ?? 0) < state.blkIndent) return false;
        text = line(index);
    }
    if (silent) return true;
    const token = state.push("math_display", "math", 0);
    token.content = lines.join("\n").trim();
    token.markup = open;
    token.map = [start, index + 1];
    state.line = index + 1;
    return true;
}

markdown.inline.ruler.before("escape", "math", mathInline);
markdown.block.ruler.before("fence", "math", mathBlock, { alt: ["paragraph", "reference", "blockquote", "list"] });

/** A top-level block: its tokens, and the lines of the text that it covers. */
export interface Block {
    readonly tokens: readonly Token[];
    readonly firstLine: number;
    readonly endLine: number;
}

/**
 * The top-level blocks of a text.
 *
 * Text on which the parser would spend long, or that would nest deeper than it may, is one plain block (a looping model
 * writes such text).
 */
export function parseBlocks(text: string): readonly Block[] {
    let tokens: Token[];
    try {
        if (isHostile(text)) throw new RangeError("too deep");
        tokens = markdown.parse(text, {});
    } catch {
        return [{ tokens: [], firstLine: 0, endLine: text.split("\n").length }];
    }
    const blocks: Block[] = [];
    for (let begin = 0; begin < tokens.length; ) {
        let end = begin;
        let depth = 0;
        do {
            depth += tokens[end]?.nesting ?? 0;
            end += 1;
        } while (depth > 0 && end < tokens.length);
        const [firstLine, endLine] = tokens[begin]?.map ?? [blocks[blocks.length - 1]?.endLine ?? 0, 0];
        blocks.push({ tokens: tokens.slice(begin, end), firstLine, endLine: Math.max(firstLine + 1, endLine) });
        begin = end;
    }
    return blocks;
}

/** Whether a line has more marks of one kind than a person writes. */
function isHostile(text: string): boolean {
    return /^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]?){40}/m.test(text) || /[*_~`[\]<]{400}/.test(text) || countMarks(text);
}

/** Whether a paragraph has over 2,000 emphasis or bracket marks. */
function countMarks(text: string): boolean {
    let marks = 0;
    for (let index = 0; index < text.length; index++) {
        const code = text.charCodeAt(index);
        if (code === 0x2a || code === 0x5f || code === 0x5b || code === 0x7e) marks += 1;
        else if (code === 0x0a && text.charCodeAt(index + 1) === 0x0a) marks = 0;
        if (marks > 2000) return true;
    }
    return false;
}
