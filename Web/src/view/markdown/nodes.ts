import type { Token } from "markdown-it";
import { codeBlock } from "./code";
import { mathNode } from "./math";

/** Tokens to DOM nodes. No text ever becomes markup: every node is made by name, every text by `createTextNode`. */

/** Tags that may stand in a text; all other HTML is shown as text. */
const inlineTags = new Set(["sub", "sup", "kbd", "b", "i", "u", "s", "mark"]);

const inlineElements: { readonly [type: string]: string } = {
    strong_open: "strong",
    em_open: "em",
    s_open: "s",
};

/** The address of a link if a browser may open it: web pages, mail, and places of this page. */
export function linkTarget(url: string | null): string | null {
    if (url === null) return null;
    return /^(https?:\/\/|mailto:)/i.test(url.trim()) ? url.trim() : null;
}

function element(tag: string, className?: string): HTMLElement {
    const node = document.createElement(tag);
    if (className) node.className = className;
    return node;
}

/** The nodes of a line of text: emphasis, links, code, images, math. */
function appendInline(parent: HTMLElement, tokens: readonly Token[]): void {
    const open: HTMLElement[] = [parent];
    const top = () => open[open.length - 1] as HTMLElement;
    const push = (node: HTMLElement) => {
        top().append(node);
        open.push(node);
    };
    for (const token of tokens) {
        switch (token.type) {
            case "text":
                top().append(token.content);
                break;
            case "softbreak":
            case "hardbreak":
                top().append(element("br"));
                break;
            case "code_inline": {
                const code = element("code");
                code.textContent = token.content;
                top().append(code);
                break;
            }
            case "math_inline":
            case "math_display":
                top().append(mathNode(token.content, token.markup, token.type === "math_display"));
                break;
            case "link_open": {
                const target = linkTarget(token.attrGet("href"));
                const link = element(target ? "a" : "span");
                if (link instanceof HTMLAnchorElement && target) {
                    link.href = target;
                    link.target = "_blank";
                    link.rel = "noopener noreferrer";
                }
                push(link);
                break;
            }
            case "image":
                top().append(imageNode(token.attrGet("src") ?? "", token.content));
                break;
            case "html_inline":
                appendTag(token.content, open);
                break;
            default:
                if (token.nesting === 1) push(element(inlineElements[token.type] ?? "span"));
                else if (token.nesting === -1 && open.length > 1) open.pop();
                else if (token.content) top().append(token.content);
        }
    }
}

/** An allowed tag opens or closes an element; another one is text. */
function appendTag(text: string, open: HTMLElement[]): void {
    const top = open[open.length - 1] as HTMLElement;
    const match = /^<(\/?)([a-z]+)\s*\/?>$/i.exec(text);
    const name = match?.[2]?.toLowerCase() ?? "";
    if (name === "br") top.append(element("br"));
    else if (!inlineTags.has(name)) top.append(text);
    else if (!match?.[1]) {
        const node = element(name);
        top.append(node);
        open.push(node);
    } else if (open.length > 1 && top.localName === name) open.pop();
    else top.append(text);
}

/** An image of the text itself is shown; one of another host only after a click, because loading it tells that host. */
function imageNode(source: string, alternative: string): HTMLElement {
    if (/^data:image\//i.test(source)) {
        const image = document.createElement("img");
        image.src = source;
        image.alt = alternative;
        return image;
    }
    const target = linkTarget(source);
    const note = element("span", "remote-image");
    note.append(alternative ? `Image: ${alternative}` : "Image");
    if (target) {
        const link = document.createElement("a");
        link.href = target;
        link.target = "_blank";
        link.rel = "noopener noreferrer";
        link.textContent = `open at ${new URL(target, "http://x").host}`;
        note.append(" · ", link);
    }
    return note;
}

const blockElements: { readonly [type: string]: string } = {
    paragraph_open: "p",
    blockquote_open: "blockquote",
    bullet_list_open: "ul",
    ordered_list_open: "ol",
    list_item_open: "li",
    table_open: "table",
    thead_open: "thead",
    tbody_open: "tbody",
    tr_open: "tr",
    th_open: "th",
    td_open: "td",
};

/** The node of a top-level block. */
export function blockNode(tokens: readonly Token[], source: string, isOpen: boolean): HTMLElement {
    if (tokens.length === 0) {
        const plain = element("p", "plain");
        plain.textContent = source;
        return plain;
    }
    const root = element("div");
    const open: HTMLElement[] = [root];
    const top = () => open[open.length - 1] as HTMLElement;
    tokens.forEach((token, index) => {
        if (token.nesting === -1) {
            if (!(token.hidden && token.type === "paragraph_close") && open.length > 1) open.pop();
            return;
        }
        if (token.nesting === 1) {
            // The paragraphs of a tight list are no elements.
            if (token.hidden) return;
            const node = element(token.type === "heading_open" ? headingTag(token.tag) : blockElements[token.type] ?? "div");
            if (node instanceof HTMLOListElement) node.start = Number(token.attrGet("start") ?? 1);
            const alignment = token.attrGet("style");
            if (alignment) node.style.textAlign = alignment.replace(/^text-align:/, "");
            if (token.type === "paragraph_open" || token.type === "heading_open" || token.type === "table_open") node.dir = "auto";
            if (token.type === "th_open") node.setAttribute("scope", "col");
            if (token.type === "table_open") {
                const scroller = element("div", "table");
                scroller.tabIndex = 0;
                scroller.setAttribute("role", "group");
                scroller.setAttribute("aria-label", "Table");
                scroller.append(node);
                top().append(scroller);
            } else top().append(node);
            open.push(node);
            return;
        }
        switch (token.type) {
            case "inline":
                appendInline(top(), token.children ?? []);
                break;
            case "fence":
            case "code_block":
                top().append(codeBlock(token.content, token.info, isOpen && index === tokens.length - 1));
                break;
            case "hr":
                top().append(element("hr"));
                break;
            case "math_display":
                top().append(mathNode(token.content, token.markup, true));
                break;
            case "html_block": {
                const plain = element("p", "plain");
                plain.textContent = token.content.trimEnd();
                top().append(plain);
                break;
            }
            default:
                if (token.content) top().append(token.content);
        }
    });
    return root.childElementCount === 1 ? (root.firstElementChild as HTMLElement) : root;
}

/** Headings of an answer lie below the title of the chat, which is the h1. */
function headingTag(tag: string): string {
    return "h" + Math.min(6, Number(tag.slice(1)) + 1);
}
