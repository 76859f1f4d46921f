import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "../../engine/types";
import { duration } from "../format";
import { useEngine, usePaint } from "../hooks";
import { Icon } from "../icons";
import type { MarkdownBody } from "../markdown/body";
import { useMarkdown } from "../markdown/lazy";
import { IconButton } from "../ui";

/** What the model thought before it answered. Closed, its header shows the last line while it grows. */
export function Reasoning({ message }: { message: Message }) {
    const engine = useEngine();
    const thinks = message.state === "reasoning";
    // A user who opens or closes the block decides; nothing closes under the pointer.
    const [choice, setChoice] = useState<boolean | null>(null);
    const isOpen = choice ?? (thinks && engine.setting(message.conversation, "openReasoning") === true);
    const box = useRef<HTMLElement>(null);
    const wasOpen = useRef(isOpen);
    useLayoutEffect(() => {
        // The end of the thoughts closes the block, but not under the pointer.
        if (wasOpen.current && !isOpen && choice === null && box.current?.matches(":hover")) setChoice(true);
        wasOpen.current = isOpen;
    }, [isOpen, choice]);
    const canSkip = thinks && engine.actions(message.id).skipThinking;
    const time = message.statistics?.reasoningTime ?? null;
    const title = thinks
        ? "Thinking"
        : (time === null ? "Thought" : `Thought for ${duration(time)}`) + (message.isReasoningSkipped ? " (skipped)" : "");
    return (
        <section ref={box} className={thinks ? "reasoning is-live" : "reasoning"}>
            <div className="reasoning-line">
                <button type="button" className="reasoning-head" aria-expanded={isOpen} onClick={() => setChoice(!isOpen)}>
                    <Icon name="thought" />
                    <span className="reasoning-title">{title}</span>
                    {!isOpen && <LastLine message={message} />}
                    <Icon name="down" />
                </button>
                {canSkip && <IconButton icon="skip" label="Skip thinking" action="skip-here" onClick={() => void engine.skipThinking(message.id)} />}
            </div>
            {isOpen && <Body message={message} />}
        </section>
    );
}

/** The last line of running thoughts. */
function LastLine({ message }: { message: Message }) {
    const line = useRef<HTMLSpanElement>(null);
    usePaint(message.id, ({ state, reasoning }) => {
        const text = state === "reasoning" ? reasoning.trimEnd().split("\n").pop() ?? "" : "";
        if (line.current && line.current.textContent !== text) line.current.textContent = text;
    });
    return <span className="reasoning-preview" ref={line} aria-hidden="true" />;
}

/** The whole reasoning in a box of its own, which follows the end unless the user scrolls up in it. */
function Body({ message }: { message: Message }) {
    const engine = useEngine();
    const root = useRef<HTMLDivElement>(null);
    const body = useRef<MarkdownBody | null>(null);
    const Renderer = useMarkdown();
    const paint = ({ state, reasoning }: Message): void => {
        const element = root.current;
        if (!element || !Renderer) return;
        const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
        if (!body.current) {
            element.replaceChildren();
            body.current = new Renderer(element);
        }
        body.current.update(reasoning, state !== "reasoning");
        if (isAtEnd && state === "reasoning") element.scrollTop = element.scrollHeight;
    };
    usePaint(message.id, paint);
    useEffect(() => {
        const current = engine.message(message.id);
        if (current) paint(current);
        // Only the arrival of the renderer draws anew here.
    }, [Renderer]);
    return (
        <div className="reasoning-body markdown" data-reasoning="" tabIndex={0} role="group" aria-label="Reasoning" ref={root} />
    );
}
