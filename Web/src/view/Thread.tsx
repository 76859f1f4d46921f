import { Suspense, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message, Thread as ThreadSnapshot } from "../engine/types";
import { useEngine } from "./hooks";
import { Icon } from "./icons";
import { part } from "./part";
import { Comparison, MessageView } from "./parts/MessageView";
import { GrowingText } from "./ui";

/** The messages that are drawn at once when a conversation opens; the earlier ones follow when the page is idle. */
const FIRST = 24;
const STEP = 20;

const CompareDialog = part(() => import("./parts/Compare"), "CompareDialog");
const AskModelsDialog = part(() => import("./parts/Compare"), "AskModelsDialog");

/** The message at the upper edge, and how far below the edge it begins, in pixels. */
interface Place {
    readonly message: string;
    readonly offset: number;
}

/** Where the user left the conversations of this tab; absent = at the end. */
const places = new Map<string, Place>();

/** A question with everything that answers it. */
interface Turn {
    readonly key: string;
    readonly messages: readonly Message[];
}

/** The messages of a conversation. */
export function Thread({ thread, focus }: { thread: ThreadSnapshot; focus: string | null }) {
    const scroller = useRef<HTMLDivElement>(null);
    const content = useRef<HTMLDivElement>(null);
    const isPinned = useRef(true);
    const lastTop = useRef(0);
    /** When the user last did something that may scroll. */
    const touched = useRef(0);
    const [isAway, setAway] = useState(false);
    // Here, and not in the message: a new version takes the place of the message.
    const [compared, setCompared] = useState<Comparison | null>(null);
    useEffect(() => {
        const show = (event: Event): void => setCompared((event as CustomEvent<Comparison>).detail);
        addEventListener("martlet.compare", show);
        return () => removeEventListener("martlet.compare", show);
    }, []);
    const id = thread.conversation.id;
    const place = useRef<{ id: string; at: Place | undefined }>({ id: "", at: undefined });
    if (place.current.id !== id) place.current = { id, at: places.get(id) };
    const { at } = place.current;
    const total = thread.messages.length;
    const index = at ? thread.messages.findIndex(message => message.id === at.message) : -1;
    const visible = useVisibleCount(id, total, focus !== null ? total : index >= 0 ? total - index + 4 : FIRST);
    // What is drawn above must not move what the user reads.
    const drawn = useRef({ id, visible, fromEnd: 0 });
    if (drawn.current.visible !== visible && drawn.current.id === id && scroller.current) {
        drawn.current.fromEnd = scroller.current.scrollHeight - scroller.current.scrollTop;
    }
    const freshFrom = useFreshTurn(thread);

    const toEnd = useCallback((smooth: boolean) => {
        const element = scroller.current;
        if (!element) return;
        isPinned.current = true;
        lastTop.current = 0;
        setAway(false);
        element.scrollTo({ top: element.scrollHeight, behavior: smooth && !reducesMotion() ? "smooth" : "auto" });
    }, []);

    // The end stays in view while text grows, unless the user has scrolled up.
    useEffect(() => {
        const element = scroller.current;
        if (!element || !content.current) return;
        const observer = new ResizeObserver(() => {
            if (isPinned.current) element.scrollTop = element.scrollHeight;
        });
        observer.observe(content.current);
        observer.observe(element);
        return () => observer.disconnect();
    }, []);

    useLayoutEffect(() => {
        if (focus) {
            isPinned.current = false;
            const hit = document.getElementById(`m-${focus}`);
            hit?.scrollIntoView({ block: "center" });
            hit?.classList.add("is-hit");
            return;
        }
        if (at && document.getElementById(`m-${at.message}`)) isPinned.current = false;
        else toEnd(false);
    }, [id, focus, thread.isLoaded, toEnd]);

    // Behind the effects of the answers, which draw their texts.
    useEffect(() => {
        const element = scroller.current;
        const left = at && document.getElementById(`m-${at.message}`);
        if (focus || !element || !left || isPinned.current) return;
        element.scrollTop += left.getBoundingClientRect().top - element.getBoundingClientRect().top - at.offset;
        lastTop.current = element.scrollTop;
    }, [id, focus, thread.isLoaded]);

    useLayoutEffect(() => {
        const { id: before, visible: count, fromEnd } = drawn.current;
        const element = scroller.current;
        if (before === id && count !== visible && element && !isPinned.current) element.scrollTop = element.scrollHeight - fromEnd;
        drawn.current = { id, visible, fromEnd };
    }, [id, visible]);

    // A sent message brings the end into view, wherever the user was.
    const last = thread.messages[thread.messages.length - 1];
    const lastSent = freshFrom;
    useLayoutEffect(() => {
        if (lastSent) toEnd(true);
    }, [lastSent, toEnd]);

    const shown = thread.messages.slice(Math.max(0, thread.messages.length - visible));
    const turns = turnsOf(shown);
    return (
        <div className="thread-frame">
            <div
                className="thread"
                ref={scroller}
                tabIndex={-1}
                onScroll={event => {
                    const element = event.currentTarget;
                    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
                    // Only a user's own movement ends the pinning: growth and shrinking change the distance, too.
                    const isMoved = performance.now() - touched.current < 1500 && element.scrollTop < lastTop.current - 2;
                    if (distance < 32) isPinned.current = true;
                    else if (isMoved) isPinned.current = false;
                    lastTop.current = element.scrollTop;
                    setAway(distance > 240 && !isPinned.current);
                    if (isPinned.current) places.delete(id);
                    else notePlace(id, element);
                }}
                onWheel={event => {
                    touched.current = performance.now();
                    if (event.deltaY < 0) isPinned.current = false;
                }}
                onTouchMove={() => (touched.current = performance.now())}
                onPointerDown={() => (touched.current = performance.now())}
                onKeyDown={() => (touched.current = performance.now())}
            >
                <div className="thread-content" ref={content}>
                    <Origin thread={thread} />
                    <SystemPrompt key={id} thread={thread} />
                    {turns.map((turn, index) => (
                        <div
                            key={turn.key}
                            className={index === turns.length - 1 && turn.key === freshFrom ? "turn is-fresh" : "turn"}
                        >
                            {turn.messages
                                .filter(message => message.role !== "tool" && message.role !== "system")
                                .map(message => (
                                    <MessageView
                                        key={message.id}
                                        id={message.id}
                                        isLast={message === last}
                                        results={message.toolCalls.length > 0 ? resultsOf(message, thread.messages) : none}
                                    />
                                ))}
                        </div>
                    ))}
                </div>
            </div>
            {compared && (
                <Suspense fallback={null}>
                    {compared.asks ? (
                        <AskModelsDialog message={compared.message} onClose={() => setCompared(null)} />
                    ) : (
                        <CompareDialog message={compared.message} onClose={() => setCompared(null)} />
                    )}
                </Suspense>
            )}
            {isAway && (
                <button type="button" className="to-end" aria-label="Go to the end" title="Go to the end" onClick={() => toEnd(true)}>
                    <Icon name="down" />
                </button>
            )}
        </div>
    );
}

const none: readonly Message[] = [];

function reducesMotion(): boolean {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** How many messages from the end are drawn: few at first, so that a long conversation opens at once. */
function useVisibleCount(id: string, total: number, least: number): number {
    const [state, setState] = useState({ id, count: FIRST });
    const count = state.id === id ? state.count : FIRST;
    useEffect(() => {
        if (count >= total) return;
        const draw = (): void => setState({ id, count: count + STEP });
        // Safari has no idle callbacks.
        if (typeof requestIdleCallback === "undefined") {
            const timer = setTimeout(draw, 40);
            return () => clearTimeout(timer);
        }
        const request = requestIdleCallback(draw, { timeout: 400 });
        return () => cancelIdleCallback(request);
    }, [id, count, total]);
    return Math.max(count, least);
}

/** Notes which message lies at the upper edge. */
function notePlace(id: string, scroller: HTMLElement): void {
    const { left, top, width } = scroller.getBoundingClientRect();
    // Between two messages there is none; the place before is good enough.
    const message = document.elementFromPoint(left + width / 2, top + 1)?.closest<HTMLElement>("[data-message]");
    if (message) places.set(id, { message: message.dataset["message"] ?? "", offset: message.getBoundingClientRect().top - top });
}

/**
 * The key of the turn that began while the thread was open: its question stands at the top, and the answer grows into the
 * room below it, so that nothing jumps.
 */
function useFreshTurn(thread: ThreadSnapshot): string | null {
    const opened = useRef<{ id: string; last: string | null } | null>(null);
    const questions = thread.messages.filter(message => message.role === "user");
    const last = questions[questions.length - 1]?.id ?? null;
    if (!opened.current || opened.current.id !== thread.conversation.id) {
        if (!thread.isLoaded) return null;
        // A chat that was just made has its first question already.
        const isNew = questions.length === 1 && thread.running !== null && !places.has(thread.conversation.id) && Date.now() - thread.conversation.createdAt < 5000;
        opened.current = { id: thread.conversation.id, last: isNew ? null : last };
    }
    return last !== opened.current.last ? last : null;
}

function turnsOf(messages: readonly Message[]): Turn[] {
    const turns: { key: string; messages: Message[] }[] = [];
    for (const message of messages) {
        const current = turns[turns.length - 1];
        if (!current || message.role === "user") turns.push({ key: message.id, messages: [message] });
        else current.messages.push(message);
    }
    return turns;
}

/** The results of a message's tool calls among the messages behind it. */
function resultsOf(message: Message, messages: readonly Message[]): readonly Message[] {
    const calls = new Set(message.toolCalls.map(call => call.id));
    return messages.filter(other => other.role === "tool" && other.toolCallID !== null && calls.has(other.toolCallID));
}

/** The chat from which this one was branched. */
function Origin({ thread }: { thread: ThreadSnapshot }) {
    const engine = useEngine();
    const { origin } = thread.conversation;
    const parent = origin && engine.conversations().find(row => row.conversation.id === origin.conversation);
    if (!origin || !parent) return null;
    return (
        <p className="origin">
            <Icon name="branch" /> Branched from{" "}
            <a href={`#/c/${encodeURIComponent(origin.conversation)}/${encodeURIComponent(origin.message)}`}>{parent.conversation.title}</a>
        </p>
    );
}

/** The system prompt above the first message. */
function SystemPrompt({ thread }: { thread: ThreadSnapshot }) {
    const engine = useEngine();
    const text = thread.messages.find(message => message.role === "system")?.text ?? "";
    const [draft, setDraft] = useState<string | null>(null);
    if (draft === null) {
        if (text === "") return null;
        return (
            <button type="button" className="system" onClick={() => setDraft(text)}>
                <span>System prompt</span>
                <span className="system-text">{text}</span>
            </button>
        );
    }
    return (
        <form
            className="editor system-editor"
            onSubmit={event => {
                event.preventDefault();
                void engine.setSystemPrompt(thread.conversation.id, draft);
                setDraft(null);
            }}
        >
            <GrowingText label="System prompt" value={draft} onChange={setDraft} autoFocus />
            <div className="editor-actions">
                <button type="button" className="button quiet" onClick={() => setDraft(null)}>
                    Cancel
                </button>
                <button type="submit" className="button primary">
                    Save
                </button>
            </div>
        </form>
    );
}
