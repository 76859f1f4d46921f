import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { ChatEngine, Message, MessageID, StreamState } from "../engine/types";
import { topics } from "../engine/types";

export const EngineContext = createContext<ChatEngine | null>(null);

/** The engine of the page. */
export function useEngine(): ChatEngine {
    const engine = useContext(EngineContext);
    if (!engine) throw new Error("useEngine: the component is outside of EngineContext");
    return engine;
}

/** A snapshot of the engine that follows a topic. `read` must return the same object until it changes. */
export function useTopic<T>(topic: string, read: (engine: ChatEngine) => T): T {
    const engine = useEngine();
    const subscribe = useCallback((done: () => void) => engine.subscribe(topic, done), [engine, topic]);
    return useSyncExternalStore(subscribe, () => read(engine));
}

/**
 * A message that is drawn again when something else than its streamed text changes.
 *
 * Text, reasoning and arguments are drawn by `usePaint`, without React.
 */
export function useMessage(id: MessageID): Message | undefined {
    useTopic(topics.message(id), engine => {
        const message = engine.message(id);
        return message ? `${message.revision} ${message.state} ${message.toolCalls.length}` : "";
    });
    return useEngine().message(id);
}

/** The live line of a running message. */
export function useStream(id: MessageID): StreamState | undefined {
    return useTopic(topics.stream(id), engine => engine.stream(id));
}

/** Calls `paint` in the next frame after each change of a message, at most once per frame, and once at first. */
export function usePaint(id: MessageID, paint: (message: Message) => void): void {
    const engine = useEngine();
    const latest = useRef(paint);
    latest.current = paint;
    useEffect(() => {
        let frame = 0;
        const draw = () => {
            frame = 0;
            const message = engine.message(id);
            if (message) latest.current(message);
        };
        const end = engine.subscribe(topics.message(id), () => {
            if (!frame) frame = requestAnimationFrame(draw);
        });
        draw();
        return () => {
            end();
            cancelAnimationFrame(frame);
        };
    }, [engine, id]);
}

/** A message as React state, at most once per frame: for parts that change with the stream, such as arguments. */
export function useStreamedMessage(id: MessageID): Message | undefined {
    const engine = useEngine();
    const [message, setMessage] = useState(engine.message(id));
    usePaint(id, setMessage);
    return message ?? engine.message(id);
}

/** The current time, drawn again each `interval` milliseconds while `isOn`. */
export function useClock(isOn: boolean, interval = 1000): number {
    const [now, setNow] = useState(Date.now());
    useEffect(() => {
        if (!isOn) return;
        const timer = setInterval(() => setNow(Date.now()), interval);
        return () => clearInterval(timer);
    }, [isOn, interval]);
    return now;
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
    const subscribe = useCallback(
        (done: () => void) => {
            const list = matchMedia(query);
            list.addEventListener("change", done);
            return () => list.removeEventListener("change", done);
        },
        [query],
    );
    return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
