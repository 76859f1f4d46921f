import katex from "katex";

/** The lazy chunk with KaTeX. Its style sheet and fonts are loaded with it. */
const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL(`./${MATH_STYLES}`, import.meta.url).href;
document.head.append(styles);

/** Replaces the source in `node` by the formula; leaves the source if the formula is broken. */
export function renderMath(tex: string, node: HTMLElement, isDisplay: boolean): void {
    const source = node.textContent;
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
    node.replaceChildren(formula);
}
