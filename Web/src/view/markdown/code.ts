import { copyText } from "../clipboard";

/** Code blocks: header with language and copy, highlighted by a lazy chunk when they are complete. */

let chunk: Promise<typeof import("./code-chunk")> | null = null;
/** Names of languages that are no extensions of files. */
const extensions: { readonly [language: string]: string } = {
    bash: "sh", csharp: "cs", "c++": "cpp", "c#": "cs", javascript: "js", julia: "jl", kotlin: "kt", makefile: "mk",
    markdown: "md", objectivec: "m", perl: "pl", powershell: "ps1", python: "py", ruby: "rb", rust: "rs", text: "txt",
    typescript: "ts", yaml: "yml",
};
/** Longer code stays plain. */
const HIGHLIGHT_LIMIT = 100_000;

/** A code block. An open block belongs to text that still streams; it is highlighted when it is complete. */
export function codeBlock(text: string, info: string, isOpen: boolean): HTMLElement {
    const language = /^[\w+#.-]+/.exec(info.trim())?.[0] ?? "";
    const figure = document.createElement("figure");
    figure.className = "code";
    const head = document.createElement("figcaption");
    const name = document.createElement("span");
    name.textContent = language || "text";
    head.append(
        name,
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

function highlight(code: HTMLElement, language: string): void {
    chunk ??= import("./code-chunk");
    chunk.then(
        ({ highlightCode }) => highlightCode(code, language),
        () => (chunk = null),
    );
}

function tool(label: string, run: (button: HTMLButtonElement) => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => run(button));
    return button;
}
