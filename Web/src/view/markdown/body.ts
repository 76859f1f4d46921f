import { OpenCode } from "./code";
import { parseBlocks } from "./parse";
import { blockNode } from "./nodes";

interface DrawnBlock {
    readonly node: HTMLElement;
    readonly source: string;
}

/**
 * A text in Markdown that grows, as nodes of one element.
 *
 * Finished blocks are never touched again, so that a selection, an open list of details and a hovered button survive the
 * stream. Each update parses from the last two blocks on; an open code block only gets the new characters.
 *
 * Cost: proportional to the last two blocks, not to the text.
 */
export class MarkdownBody {
    private readonly root: HTMLElement;
    private text = "";
    private isFinal = true;
    private blocks: DrawnBlock[] = [];
    /** Where the first block that may still change begins in `text`, and how many blocks lie before it. */
    private stable = { offset: 0, count: 0 };
    /** The code of an open fence, and the marks that would close it. */
    private fence: { code: OpenCode; marker: string } | null = null;

    constructor(root: HTMLElement) {
        this.root = root;
    }

    /** Shows a text. `isFinal`: nothing will be appended. */
    update(text: string, isFinal: boolean): void {
        if (text === this.text && isFinal === this.isFinal) return;
        const appended = text.startsWith(this.text) ? text.slice(this.text.length) : null;
        if (appended !== null && !isFinal && this.extendFence(appended)) {
            this.text = text;
            return;
        }
        this.fence = null;
        // Definitions of links may stand behind their use; then everything is drawn again at the end.
        if (appended === null || (isFinal && /^ {0,3}\[[^\]]+\]:/m.test(text))) this.stable = { offset: 0, count: 0 };
        this.draw(text, isFinal);
        this.text = text;
        this.isFinal = isFinal;
    }

    private draw(text: string, isFinal: boolean): void {
        const tail = text.slice(this.stable.offset);
        const lineStarts = [0];
        for (let at = tail.indexOf("\n"); at >= 0; at = tail.indexOf("\n", at + 1)) lineStarts.push(at + 1);
        const offsetOf = (line: number) => lineStarts[line] ?? tail.length;
        const parsed = parseBlocks(tail);
        const { count } = this.stable;
        parsed.forEach((block, index) => {
            const place = count + index;
            const isLast = index === parsed.length - 1;
            const source = tail.slice(offsetOf(block.firstLine), isLast ? tail.length : offsetOf(block.endLine));
            const isOpen = isLast && !isFinal;
            const old = this.blocks[place];
            const key = (isOpen ? "+" : "=") + source;
            if (old?.source === key) return;
            const node = blockNode(block.tokens, source, isOpen);
            if (old) old.node.replaceWith(node);
            else this.root.append(node);
            this.blocks[place] = { node, source: key };
            const first = block.tokens[0];
            if (isOpen && block.tokens.length === 1 && first?.type === "fence" && !isClosed(source, first.markup)) {
                const code = node.querySelector("code");
                if (code && source.includes("\n")) {
                    this.fence = { code: new OpenCode(code, source.slice(source.indexOf("\n") + 1), first.info), marker: first.markup };
                }
            }
        });
        for (const old of this.blocks.splice(count + parsed.length)) old.node.remove();
        const settled = Math.max(0, parsed.length - 2);
        const next = parsed[settled];
        if (settled > 0 && next) {
            this.stable = { offset: this.stable.offset + offsetOf(next.firstLine), count: count + settled };
        }
    }

    /** Appends characters to an open fence. False if the fence may have ended. */
    private extendFence(appended: string): boolean {
        if (!this.fence) return false;
        const { code, marker } = this.fence;
        // The line on which the new characters begin may complete the closing marks.
        const lineStart = code.text.lastIndexOf("\n") + 1;
        if ((code.text.slice(lineStart) + appended).includes(marker)) return false;
        code.append(appended);
        return true;
    }
}

/** Whether the last line of a fence closes it. */
function isClosed(source: string, marker: string): boolean {
    const lines = source.trimEnd().split("\n");
    return lines.length > 1 && (lines[lines.length - 1] ?? "").trim().startsWith(marker);
}
