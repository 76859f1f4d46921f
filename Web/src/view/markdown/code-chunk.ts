import "./prism-settings";
import Prism from "prismjs/components/prism-core";
import "prismjs/components/prism-clike";
import "prismjs/components/prism-markup";
import "prismjs/components/prism-markup-templating";
import "prismjs/components/prism-css";
import "prismjs/components/prism-javascript";
import "prismjs/components/prism-typescript";
import "prismjs/components/prism-jsx";
import "prismjs/components/prism-tsx";
import "prismjs/components/prism-c";
import "prismjs/components/prism-cpp";
import "prismjs/components/prism-csharp";
import "prismjs/components/prism-java";
import "prismjs/components/prism-kotlin";
import "prismjs/components/prism-swift";
import "prismjs/components/prism-objectivec";
import "prismjs/components/prism-go";
import "prismjs/components/prism-rust";
import "prismjs/components/prism-python";
import "prismjs/components/prism-ruby";
import "prismjs/components/prism-php";
import "prismjs/components/prism-perl";
import "prismjs/components/prism-lua";
import "prismjs/components/prism-bash";
import "prismjs/components/prism-powershell";
import "prismjs/components/prism-sql";
import "prismjs/components/prism-json";
import "prismjs/components/prism-yaml";
import "prismjs/components/prism-toml";
import "prismjs/components/prism-ini";
import "prismjs/components/prism-markdown";
import "prismjs/components/prism-diff";
import "prismjs/components/prism-docker";
import "prismjs/components/prism-makefile";
import "prismjs/components/prism-cmake";
import "prismjs/components/prism-haskell";
import "prismjs/components/prism-scala";
import "prismjs/components/prism-r";
import "prismjs/components/prism-julia";

/** The lazy chunk with Prism. Its tokens become spans; its strings of markup are never used. */

type PrismToken = string | { type: string; alias?: string | string[]; content: PrismToken | PrismToken[] };

const aliases: { readonly [name: string]: string } = {
    "c++": "cpp",
    "c#": "csharp",
    "objective-c": "objectivec",
    zsh: "bash",
    console: "bash",
    jsonc: "json",
    rs: "rust",
    golang: "go",
    dockerfile: "docker",
};

/** Colours a code element; leaves it if the language is unknown or the text is selected. */
export function highlightCode(code: HTMLElement, language: string): void {
    const name = language.toLowerCase();
    const grammar = Prism.languages[aliases[name] ?? name];
    if (!grammar || typeof grammar === "function") return;
    const selection = getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(code, true)) return;
    const fragment = document.createDocumentFragment();
    append(fragment, Prism.tokenize(code.textContent ?? "", grammar) as PrismToken[]);
    code.replaceChildren(fragment);
}

function append(parent: Node, tokens: PrismToken | PrismToken[]): void {
    for (const token of Array.isArray(tokens) ? tokens : [tokens]) {
        if (typeof token === "string") parent.appendChild(document.createTextNode(token));
        else {
            const span = document.createElement("span");
            span.className = `t-${token.type}`;
            append(span, token.content);
            parent.appendChild(span);
        }
    }
}
