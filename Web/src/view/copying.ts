/** Texts for the clipboard in which a formula is its TeX. */

/** The text of a part of an answer as it is shown, with formulas as they were written. */
export function plainText(part: Node): string {
    const copy = part.cloneNode(true);
    const box = document.createElement("div");
    box.append(copy);
    for (const formula of box.querySelectorAll<HTMLElement>(".math[data-tex]")) {
        formula.replaceChildren(formula.dataset["source"] ?? formula.dataset["tex"] ?? "");
    }
    for (const head of box.querySelectorAll("figure.code > figcaption")) head.remove();
    // The line breaks of blocks and tables are those of the layout, so the copy is in the document for a moment.
    box.className = "visually-hidden copied";
    document.body.append(box);
    const text = box.innerText.trim();
    box.remove();
    return text;
}

/** Lets a copied selection with formulas have their TeX; other selections are copied by the browser. */
export function copyFormulas(event: ClipboardEvent): void {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !event.clipboardData) return;
    const range = selection.getRangeAt(0);
    // A selection that begins or ends within a formula has all of it.
    const formulaAt = (node: Node): Element | null => (node instanceof Element ? node : node.parentElement)?.closest(".math[data-tex]") ?? null;
    const whole = range.cloneRange();
    const [first, last] = [formulaAt(range.startContainer), formulaAt(range.endContainer)];
    if (first) whole.setStartBefore(first);
    if (last) whole.setEndAfter(last);
    const part = whole.cloneContents();
    if (!part.querySelector(".math[data-tex]")) return;
    event.clipboardData.setData("text/plain", plainText(part));
    event.preventDefault();
}
