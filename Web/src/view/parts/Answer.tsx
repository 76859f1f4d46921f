import { useRef } from "react";
import type { MessageID } from "../../engine/types";
import { usePaint } from "../hooks";
import { MarkdownBody } from "../markdown/body";

const running = new Set(["sending", "queued", "loading", "prompting", "reasoning", "answering", "tool", "paused", "stopping"]);

/** The text of an answer as Markdown. It is drawn by hand, at most once per frame, without React. */
export function Answer({ id }: { id: MessageID }) {
    const root = useRef<HTMLDivElement>(null);
    const body = useRef<MarkdownBody | null>(null);
    usePaint(id, ({ text, state }) => {
        if (!root.current) return;
        if (!body.current) body.current = new MarkdownBody(root.current);
        body.current.update(text, !running.has(state));
    });
    return <div className="markdown" data-text="" ref={root} dir="auto" />;
}

/** The text as it was written, without Markdown. */
export function RawAnswer({ id }: { id: MessageID }) {
    const root = useRef<HTMLPreElement>(null);
    usePaint(id, ({ text }) => {
        if (root.current && root.current.textContent !== text) root.current.textContent = text;
    });
    return <pre className="raw" data-text="" ref={root} tabIndex={0} dir="auto" />;
}
