// What the packages do not describe: Debian's markdown-it, Prism's parts and KaTeX have no types.
declare module "markdown-it" {
    export interface Token {
        type: string;
        tag: string;
        nesting: 1 | 0 | -1;
        level: number;
        map: [number, number] | null;
        content: string;
        info: string;
        markup: string;
        hidden: boolean;
        children: Token[] | null;
        attrGet(name: string): string | null;
    }
    export interface InlineState {
        src: string;
        pos: number;
        posMax: number;
        push(type: string, tag: string, nesting: number): Token;
    }
    export interface BlockState {
        src: string;
        bMarks: number[];
        eMarks: number[];
        tShift: number[];
        sCount: number[];
        blkIndent: number;
        line: number;
        push(type: string, tag: string, nesting: number): Token;
    }
    interface Ruler<Rule> {
        before(name: string, rule: string, fn: Rule, options?: { alt: string[] }): void;
    }
    export default class MarkdownIt {
        constructor(options: { html?: boolean; linkify?: boolean; breaks?: boolean; maxNesting?: number });
        inline: { ruler: Ruler<(state: InlineState, silent: boolean) => boolean> };
        block: { ruler: Ruler<(state: BlockState, start: number, end: number, silent: boolean) => boolean> };
        validateLink: (url: string) => boolean;
        parse(text: string, env: object): Token[];
    }
}
declare module "prismjs/components/*";
declare module "katex" {
    const katex: {
        render(
            tex: string,
            element: HTMLElement,
            options: {
                displayMode: boolean;
                throwOnError: boolean;
                trust: boolean;
                maxSize: number;
                maxExpand: number;
                strict: string;
                output: string;
            },
        ): void;
    };
    export default katex;
}
/** The hashed name of the style sheet of the math chunk; set by the bundle script. */
declare const MATH_STYLES: string;
/** The same of the lazy parts (`part.ts`). */
declare const MORE_STYLES: string;
/** The hashed name of `static/preview.html`. */
declare const PREVIEW_PAGE: string;
