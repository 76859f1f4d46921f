import { useEffect, useState } from "react";
import { moreStyles } from "../part";
import type { MarkdownBody } from "./body";

/** The renderer of Markdown is a chunk of its own: an empty chat can be used before it is there. */

type Body = typeof MarkdownBody;

let loaded: Body | null = null;
let chunk: Promise<Body> | null = null;

/** Loads the chunk; a later call tries again after a failure. */
export function loadMarkdown(): Promise<Body> {
    chunk ??= Promise.all([import("./body"), moreStyles()]).then(
        ([module]) => (loaded = module.MarkdownBody),
        (reason: unknown) => {
            chunk = null;
            throw reason;
        },
    );
    return chunk;
}

/** The renderer, or null until it is loaded; texts are shown as written until then. */
export function useMarkdown(): Body | null {
    const [body, setBody] = useState<Body | null>(() => loaded);
    useEffect(() => {
        if (body) return;
        let isOver = false;
        let timer = 0;
        const attempt = (): void => {
            loadMarkdown().then(
                value => {
                    if (!isOver) setBody(() => value);
                },
                () => {
                    if (!isOver) timer = window.setTimeout(attempt, 3000);
                },
            );
        };
        attempt();
        return () => {
            isOver = true;
            clearTimeout(timer);
        };
    }, [body]);
    return body;
}
