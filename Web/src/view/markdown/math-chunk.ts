import katex from "katex";
import { copyFormulas } from "../copying";
import { addStyles } from "../part";

/** The lazy chunk with KaTeX. Its style sheet and fonts are loaded with it. */
void addStyles(MATH_STYLES);
document.addEventListener("copy", copyFormulas);

/** Replaces the source in `node` by the formula; leaves the source if the formula is broken. */
export function renderMath(tex: string, node: HTMLElement, isDisplay: boolean): void {
    const source = node.textContent ?? "";
    const formula = document.createElement("span");
    try {
        katex.render(tex, formula, {
            displayMode: isDisplay,
            throwOnError: true,
            trust: false,
            maxSize: 20,
            maxExpand: 200,
            strict: "ignore",
            output: "htmlAndMathml",
        });
    } catch {
        node.textContent = source;
        return;
    }
    node.dataset["source"] = source;
    node.replaceChildren(formula);
}
