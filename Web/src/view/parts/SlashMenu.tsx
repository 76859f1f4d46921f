import { forwardRef, useEffect, useId, useImperativeHandle, useState } from "react";
import type { ConversationID, MessageID } from "../../engine/types";
import { useEngine } from "../hooks";
import { Icon, IconName } from "../icons";
import { openConversation } from "../router";
import { saveFile } from "../ui";
import { savedPrompts } from "./Prompts";

interface Item {
    readonly name: string;
    readonly use: string;
    readonly icon: IconName;
    /** The text that comes into the box; absent = the box becomes empty. */
    readonly text?: string;
    readonly run?: () => void;
}

/** What the text box asks the menu at a key. */
export interface SlashKeys {
    /** True if the menu used the key. */
    press(key: string): boolean;
}

/**
 * Commands and saved prompts behind a `/` at the begin of a message. Example: `/st` and Enter stops the answer; `/` and the
 * name of a prompt writes its text.
 */
export const SlashMenu = forwardRef<SlashKeys, {
    id: ConversationID | null;
    running: MessageID | null;
    query: string;
    onText: (text: string) => void;
    onPrompts: () => void;
    onClose: () => void;
}>(function SlashMenu(props, keys) {
    const engine = useEngine();
    const { id, running, query } = props;
    const [at, setAt] = useState(0);
    const listID = useId();
    const items: Item[] = [
        ...savedPrompts(engine).map(prompt => ({ name: prompt.name, use: prompt.text, icon: "text" as const, text: prompt.text })),
        ...(running ? [{ name: "stop", use: "Stop the answer", icon: "stop" as const, run: () => void engine.stop(running) }] : []),
        { name: "new", use: "New chat", icon: "plus", run: () => openConversation(null) },
        { name: "temporary", use: "Chat that is stored nowhere", icon: "ghost", run: () => void engine.createConversation(true).then(made => openConversation(made)) },
        { name: "model", use: "Choose a model", icon: "server", run: () => document.querySelector<HTMLElement>(".picker-trigger")?.click() },
        ...(id ? [{
            name: "export", use: "Save this chat as Markdown", icon: "out" as const,
            run: () => void engine.exportConversations([id], "markdown").then(file => saveFile(file.name, file.mimeType, file.text)),
        }] : []),
        { name: "prompts", use: "Write and change saved prompts", icon: "edit", run: props.onPrompts },
    ];
    const wanted = query.toLowerCase();
    const shown = items.filter(item => item.name.toLowerCase().startsWith(wanted));
    const place = Math.min(at, shown.length - 1);
    const choose = (item: Item | undefined): void => {
        if (!item) return;
        props.onText(item.text ?? "");
        item.run?.();
    };
    useEffect(() => setAt(0), [query]);
    const active = shown.length > 0 ? `${listID}-${place}` : null;
    useEffect(() => {
        // The text box has the focus, and a screen reader reads the active command.
        const box = document.querySelector("[data-composer]");
        if (active) box?.setAttribute("aria-activedescendant", active);
        document.getElementById(active ?? "")?.scrollIntoView({ block: "nearest" });
        return () => box?.removeAttribute("aria-activedescendant");
    }, [active]);
    useImperativeHandle(keys, () => ({
        press: key => {
            if (shown.length === 0) return false;
            if (key === "ArrowDown") setAt(Math.min(shown.length - 1, place + 1));
            else if (key === "ArrowUp") setAt(Math.max(0, place - 1));
            else if (key === "Enter" || key === "Tab") choose(shown[place]);
            else if (key === "Escape") props.onClose();
            else return false;
            return true;
        },
    }));
    if (shown.length === 0) return null;
    return (
        <div className="slash" id={listID} role="listbox" aria-label="Commands" tabIndex={0}>
            {shown.map((item, index) => (
                <div
                    key={item.name}
                    id={`${listID}-${index}`}
                    role="option"
                    aria-selected={index === place}
                    className={index === place ? "hit is-active" : "hit"}
                    // The text box keeps the focus.
                    onPointerDown={event => event.preventDefault()}
                    onPointerMove={() => setAt(index)}
                    onClick={() => choose(item)}
                >
                    <Icon name={item.icon} />
                    <span className="slash-name">/{item.name}</span>
                    <span className="slash-use">{item.use}</span>
                </div>
            ))}
        </div>
    );
});
