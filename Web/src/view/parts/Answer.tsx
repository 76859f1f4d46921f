import { useEffect, useRef } from "react";
import { isRunning } from "../../engine/actions";
import type { Message, MessageID } from "../../engine/types";
import { useEngine, usePaint } from "../hooks";
import type { MarkdownBody } from "../markdown/body";
import { useMarkdown } from "../markdown/lazy";

/** The text of an answer as Markdown. It is drawn by hand, at most once per frame, without React. */
export function Answer({ id }: { id: MessageID }) {
    const engine = useEngine();
    const root = useRef<HTMLDivElement>(null);
    const body = useRef<MarkdownBody | null>(null);
    const Renderer = useMarkdown();
    const paint = ({ text, state }: Message): void => {
        const element = root.current;
        if (!element) return;
        if (!Renderer) {
            if (element.textContent !== text) element.textContent = text;
            return;
        }
        if (!body.current) {
            element.replaceChildren();
            body.current = new Renderer(element);
        }
        body.current.update(text, !isRunning(state));
    };
    usePaint(id, paint);
    useEffect(() => {
        const message = engine.message(id);
        if (Renderer && message) paint(message);
        // Only the arrival of the renderer draws anew here; all else is drawn by usePaint.
    }, [Renderer]);
    return <div className={Renderer ? "markdown" : "markdown plain-text"} data-text="" ref={root} dir="auto" />;
}

/** The text as it was written, without Markdown. */
export function RawAnswer({ id }: { id: MessageID }) {
    const root = useRef<HTMLPreElement>(null);
    usePaint(id, ({ text }) => {
        if (root.current && root.current.textContent !== text) root.current.textContent = text;
    });
    return <pre className="raw" data-text="" ref={root} tabIndex={0} dir="auto" />;
}
