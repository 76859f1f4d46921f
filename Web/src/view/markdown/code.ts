import { copyText } from "../clipboard";
import { runBlock, togglePreview } from "./preview";

/** Code blocks: header with language and copy, highlighted by a lazy chunk when they are complete. */

let chunk: Promise<typeof import("./code-chunk")> | null = null;
let loaded: typeof import("./code-chunk") | null = null;
/** Names of languages that are no extensions of files. */
const extensions: { readonly [language: string]: string } = {
    bash: "sh", csharp: "cs", "c++": "cpp", "c#": "cs", javascript: "js", julia: "jl", kotlin: "kt", makefile: "mk",
    markdown: "md", objectivec: "m", perl: "pl", powershell: "ps1", python: "py", ruby: "rb", rust: "rs", text: "txt",
    typescript: "ts", yaml: "yml",
};
/** Longer code is coloured when it is complete; until then its new lines are plain. */
const OPEN_LIMIT = 20_000;
/** Longer code stays plain. */
const HIGHLIGHT_LIMIT = 100_000;

function languageOf(info: string): string {
    return /^[\w+#.-]+/.exec(info.trim())?.[0] ?? "";
}

/**
 * Code that still streams. New characters are plain at first; all of it is coloured again at most every 100 ms, and so that
 * this takes a twentieth of the time.
 */
export class OpenCode {
    private tail = document.createTextNode("");
    private readonly language: string;
    private next = 0;

    constructor(private readonly element: HTMLElement, public text: string, info: string) {
        this.language = languageOf(info);
        this.tail.data = text;
        element.replaceChildren(this.tail);
    }

    append(added: string): void {
        this.text += added;
        this.tail.appendData(added);
        const begin = performance.now();
        if (begin < this.next || this.language === "" || this.text.length > OPEN_LIMIT) return;
        if (!loaded) return loadChunk();
        loaded.highlightCode(this.element, this.language);
        this.tail = document.createTextNode("");
        this.element.append(this.tail);
        const end = performance.now();
        this.next = end + Math.max(100, 20 * (end - begin));
    }
}

/** A code block. An open block belongs to text that still streams. */
export function codeBlock(text: string, info: string, isOpen: boolean): HTMLElement {
    const language = languageOf(info);
    const figure = document.createElement("figure");
    figure.className = "code";
    const head = document.createElement("figcaption");
    const name = document.createElement("span");
    name.textContent = language || "text";
    const isPicture = !isOpen && /^(svg|xml|html)$/i.test(language) && /^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/i.test(text);
    head.append(
        name,
        ...(isPicture ? [tool("Picture", button => togglePicture(figure, code.textContent ?? "", button))] : []),
        ...(!isOpen && !isPicture && /^html$/i.test(language) ? [tool("Preview", button => togglePreview(figure, code.textContent ?? "", button))] : []),
        ...(!isOpen && /^(js|javascript)$/i.test(language) ? [tool("Run", button => void runBlock(figure, code.textContent ?? "", button))] : []),
        tool("Wrap", button => {
            const isWrapped = figure.classList.toggle("wrapped");
            button.setAttribute("aria-pressed", String(isWrapped));
        }),
        tool("Save", () => {
            const link = document.createElement("a");
            link.href = URL.createObjectURL(new Blob([code.textContent ?? ""], { type: "text/plain" }));
            link.download = "code." + (extensions[language.toLowerCase()] ?? (language.toLowerCase() || "txt"));
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
        }),
        tool("Copy", button => {
            void copyText(code.textContent ?? "").then(isDone => {
                button.textContent = isDone ? "Copied" : "Copy failed";
                setTimeout(() => (button.textContent = "Copy"), 1500);
            });
        }),
    );
    const scroller = document.createElement("pre");
    scroller.tabIndex = 0;
    const code = document.createElement("code");
    code.textContent = text.replace(/\n$/, "");
    scroller.append(code);
    figure.append(head, scroller);
    if (!isOpen && language && text.length < HIGHLIGHT_LIMIT) highlight(code, language);
    return figure;
}

/** Shows an SVG as the picture that it is. Scripts do not run in an image, and it loads nothing. */
function togglePicture(figure: HTMLElement, text: string, button: HTMLButtonElement): void {
    const shown = figure.querySelector("img");
    button.setAttribute("aria-pressed", String(!shown));
    if (shown) {
        URL.revokeObjectURL(shown.src);
        shown.remove();
        return;
    }
    const picture = document.createElement("img");
    // Without the namespace a browser shows no picture, and models forget it.
    const source = /xmlns=/.test(text) ? text : text.replace(/<svg/i, '<svg xmlns="http://www.w3.org/2000/svg"');
    picture.src = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
    picture.alt = "The picture of this code";
    picture.addEventListener("error", () => (picture.alt = "This code is no picture"));
    figure.append(picture);
}

function loadChunk(): void {
    chunk ??= import("./code-chunk").then(module => (loaded = module));
    chunk.catch(() => (chunk = null));
}

function highlight(code: HTMLElement, language: string): void {
    loadChunk();
    chunk?.then(({ highlightCode }) => highlightCode(code, language)).catch(() => undefined);
}

function tool(label: string, run: (button: HTMLButtonElement) => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => run(button));
    return button;
}
