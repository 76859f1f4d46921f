/** Formulas: shown as source until the lazy chunk has them, and for ever if they are broken. */

let chunk: Promise<typeof import("./math-chunk")> | null = null;

/** The node of a formula; its text is the source, so that copying and searching find it. */
export function mathNode(tex: string, markup: string, isDisplay: boolean): HTMLElement {
    const node = document.createElement(isDisplay ? "div" : "span");
    node.className = isDisplay ? "math display" : "math";
    const close = markup === "\\(" ? "\\)" : markup === "\\[" ? "\\]" : markup;
    node.textContent = markup + tex + close;
    // Macros can grow without bound, and long formulas take long.
    if (tex.length > 4096 || /\\(def|edef|gdef|xdef|let|futurelet|newcommand|renewcommand|providecommand)\b/.test(tex)) {
        return node;
    }
    node.dataset["tex"] = tex;
    chunk ??= import("./math-chunk");
    chunk.then(
        ({ renderMath }) => renderMath(tex, node, isDisplay),
        () => (chunk = null),
    );
    return node;
}
