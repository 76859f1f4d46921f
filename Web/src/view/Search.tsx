import { useEffect, useId, useRef, useState } from "react";
import type { SearchHit } from "../engine/types";
import { useEngine } from "./hooks";
import { Icon, IconName } from "./icons";
import { openConversation, openServerPage } from "./router";
import { Dialog } from "./ui";

interface Command {
    readonly label: string;
    readonly icon: IconName;
    readonly run: () => void;
}

/** One box for titles, texts of messages, models and commands. */
export function Search(props: { onClose: () => void; open: PageDialogs }) {
    const engine = useEngine();
    const [query, setQuery] = useState("");
    const [hits, setHits] = useState<readonly SearchHit[]>([]);
    const [at, setAt] = useState(0);
    const listID = useId();
    const input = useRef<HTMLInputElement>(null);
    useEffect(() => {
        input.current?.focus();
    }, []);
    useEffect(() => {
        let isOver = false;
        if (query.trim() === "") {
            setHits([]);
            void engine.search("");
        } else
            void engine.search(query, 40).then(found => {
                if (!isOver) setHits(found);
            });
        return () => {
            isOver = true;
        };
    }, [engine, query]);
    useEffect(() => {
        document.getElementById(`${listID}-${at}`)?.scrollIntoView({ block: "nearest" });
    }, [at, listID]);

    const wanted = query.toLowerCase();
    const models = query.trim() === "" ? [] : engine.models().models.filter(model => model.name.toLowerCase().includes(wanted)).slice(0, 4);
    const commands: Command[] = [
        ...pageCommands(props.open).filter(command => command.label.toLowerCase().includes(wanted)),
        ...models.map(model => ({
            label: `New chats use ${model.name}`,
            icon: "server" as const,
            run: () => void engine.chooseModel(null, model.name),
        })),
    ].slice(0, query.trim() === "" ? 6 : 4);
    const recent = query.trim() === "" ? engine.conversations().slice(0, 8) : [];
    const rows: { key: string; run: () => void; icon: IconName; content: JSX.Element }[] = [
        ...hits.map(hit => ({
            key: `${hit.conversation} ${hit.message ?? ""}`,
            icon: "text" as const,
            run: () => openConversation(hit.conversation, hit.message ?? undefined),
            content: (
                <>
                    <span className="hit-title">{hit.title}</span>
                    <span className="hit-text">
                        {hit.excerpt.slice(0, hit.start)}
                        <mark>{hit.excerpt.slice(hit.start, hit.start + hit.length)}</mark>
                        {hit.excerpt.slice(hit.start + hit.length)}
                    </span>
                </>
            ),
        })),
        ...recent.map(({ conversation }) => ({
            key: conversation.id,
            icon: "text" as const,
            run: () => openConversation(conversation.id),
            content: <span className="hit-title">{conversation.title}</span>,
        })),
        ...commands.map(command => ({
            key: command.label,
            icon: command.icon,
            run: command.run,
            content: <span className="hit-title">{command.label}</span>,
        })),
    ];
    const choose = (index: number): void => {
        const row = rows[index];
        if (!row) return;
        props.onClose();
        row.run();
    };
    return (
        <Dialog title="Search" className="palette" onClose={props.onClose}>
            <div className="picker-search">
                <Icon name="search" />
                <input
                    ref={input}
                    role="combobox"
                    aria-label="Search chats, messages and commands"
                    aria-expanded={rows.length > 0}
                    aria-controls={listID}
                    aria-activedescendant={rows.length > 0 ? `${listID}-${Math.min(at, rows.length - 1)}` : undefined}
                    placeholder="Search chats, messages and commands"
                    value={query}
                    onChange={event => {
                        setQuery(event.target.value);
                        setAt(0);
                    }}
                    onKeyDown={event => {
                        if (event.key === "ArrowDown") setAt(Math.min(rows.length - 1, at + 1));
                        else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
                        else if (event.key === "Enter") choose(Math.min(at, rows.length - 1));
                        else return;
                        event.preventDefault();
                    }}
                />
            </div>
            <div id={listID} role="listbox" aria-label="Results" className="hits">
                {rows.map((row, index) => (
                    <div
                        key={row.key}
                        id={`${listID}-${index}`}
                        role="option"
                        aria-selected={index === at}
                        className={index === at ? "hit is-active" : "hit"}
                        onClick={() => choose(index)}
                        onPointerMove={() => setAt(index)}
                    >
                        <Icon name={row.icon} />
                        <span className="hit-lines">{row.content}</span>
                    </div>
                ))}
            </div>
            {rows.length === 0 && <p className="empty">Nothing found.</p>}
        </Dialog>
    );
}

/** What opens the dialogs of the page. */
export interface PageDialogs {
    readonly settings: () => void;
    readonly keys: () => void;
    readonly transfer: () => void;
}

/** The commands that the search offers everywhere. */
function pageCommands(open: PageDialogs): readonly Command[] {
    return [
        { label: "New chat", icon: "plus", run: () => openConversation(null) },
        { label: "Server", icon: "server", run: openServerPage },
        { label: "Settings", icon: "gear", run: open.settings },
        { label: "Import and export", icon: "out", run: open.transfer },
        { label: "Keyboard", icon: "info", run: open.keys },
    ];
}
