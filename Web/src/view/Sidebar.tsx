import { memo, useState } from "react";
import type { ConversationID, ConversationRow } from "../engine/types";
import { topics } from "../engine/types";
import { dayGroup } from "./format";
import { useEngine, useTopic } from "./hooks";
import { Bird, Icon } from "./icons";
import { openConversation } from "./router";
import { IconButton, Menu, saveFile } from "./ui";

/** Rows that are drawn at once; the rest follow when their place comes into view. */
const PAGE = 200;

/** Presses a button that comes into view. */
function pressWhenSeen(button: HTMLElement | null): void {
    if (button) new IntersectionObserver(entries => entries.some(entry => entry.isIntersecting) && button.click()).observe(button);
}

/** The conversations, newest first, with their live marks. */
export function Sidebar(props: {
    current: ConversationID | null;
    isServerPage: boolean;
    onClose: () => void;
    onSearch: () => void;
    onSettings: () => void;
    onTransfer: () => void;
}) {
    const rows = useTopic(topics.conversations, engine => engine.conversations());
    const isShared = useTopic(topics.server, engine => engine.server().hasHistory);
    const [limit, setLimit] = useState(PAGE);
    const [selected, setSelected] = useState<ReadonlySet<ConversationID> | null>(null);
    const now = Date.now();
    const groups: { title: string; rows: ConversationRow[] }[] = [];
    const pinned = rows.filter(row => row.conversation.isPinned);
    if (pinned.length > 0) groups.push({ title: "Pinned", rows: pinned });
    for (const row of rows.filter(row => !row.conversation.isPinned).slice(0, limit)) {
        const title = dayGroup(row.conversation.updatedAt, now);
        const last = groups[groups.length - 1];
        if (last?.title === title) last.rows.push(row);
        else groups.push({ title, rows: [row] });
    }
    return (
        <nav className="sidebar" aria-label="Chats">
            <header className="sidebar-head">
                <a className="brand" href="#/" onClick={props.onClose}>
                    <Bird />
                    <span>Martlet</span>
                </a>
                <IconButton icon="close" label="Close the list" className="only-narrow" onClick={props.onClose} />
            </header>
            <div className="sidebar-tools">
                <button
                    type="button"
                    className="side-button"
                    data-action="new"
                    onClick={() => {
                        openConversation(null);
                        props.onClose();
                    }}
                >
                    <Icon name="plus" />
                    <span>New chat</span>
                    <kbd>Ctrl ⇧ O</kbd>
                </button>
                <button type="button" className="side-button" onClick={props.onSearch}>
                    <Icon name="search" />
                    <span>Search</span>
                    <kbd>Ctrl K</kbd>
                </button>
            </div>
            {selected && <SelectionBar selected={selected} onEnd={() => setSelected(null)} />}
            <div className="sidebar-rows">
                {groups.map(group => (
                    <section key={group.title} aria-label={group.title}>
                        <h2>{group.title}</h2>
                        <ul>
                            {group.rows.map(row => (
                                <li key={row.conversation.id}>
                                    <Row
                                        row={row}
                                        isCurrent={row.conversation.id === props.current}
                                        isSelected={selected?.has(row.conversation.id) ?? null}
                                        onSelect={() => {
                                            const next = new Set(selected ?? []);
                                            if (!next.delete(row.conversation.id)) next.add(row.conversation.id);
                                            setSelected(next.size > 0 ? next : null);
                                        }}
                                        onOpen={props.onClose}
                                    />
                                </li>
                            ))}
                        </ul>
                    </section>
                ))}
                {rows.length === 0 && <p className="empty">Your chats appear here. They stay {isShared ? "with you, on each of your devices" : "in this browser"}.</p>}
                {rows.length - pinned.length > limit && (
                    <button key={limit} ref={pressWhenSeen} type="button" className="link-button" onClick={() => setLimit(limit + PAGE)}>
                        Older chats
                    </button>
                )}
            </div>
            <footer className="sidebar-foot">
                <a className="side-button" href="#/server" aria-current={props.isServerPage ? "page" : undefined} onClick={props.onClose}>
                    <Icon name="server" />
                    <span>Server</span>
                </a>
                <IconButton icon="out" label="Import and export" onClick={props.onTransfer} />
                <IconButton icon="gear" label="Settings" action="settings" onClick={props.onSettings} />
            </footer>
        </nav>
    );
}

const marks: { readonly [activity: string]: string } = {
    running: "an answer is being written",
    unread: "finished, not read yet",
    failed: "the last answer failed",
};

const Row = memo(function Row(props: {
    row: ConversationRow;
    isCurrent: boolean;
    /** null = nothing is being selected. */
    isSelected: boolean | null;
    onSelect: () => void;
    onOpen: () => void;
}) {
    const { conversation, activity } = props.row;
    const engine = useEngine();
    const [title, setTitle] = useState<string | null>(null);
    if (title !== null) {
        const end = (saves: boolean): void => {
            if (saves && title.trim() && title !== conversation.title) void engine.rename(conversation.id, title.trim());
            setTitle(null);
        };
        return (
            <input
                className="rename"
                aria-label="Title"
                autoFocus
                value={title}
                onChange={event => setTitle(event.target.value)}
                onBlur={() => end(true)}
                onKeyDown={event => {
                    if (event.key === "Enter") end(true);
                    else if (event.key === "Escape") end(false);
                    else return;
                    event.stopPropagation();
                }}
            />
        );
    }
    return (
        <div
            className={`row${props.isCurrent ? " is-current" : ""}${props.isSelected ? " is-selected" : ""}`}
            data-conversation={conversation.id}
            data-activity={activity}
        >
            <a
                href={`#/c/${encodeURIComponent(conversation.id)}`}
                aria-current={props.isCurrent ? "page" : undefined}
                title={conversation.title}
                onClick={event => {
                    if (props.isSelected !== null || event.shiftKey) {
                        event.preventDefault();
                        props.onSelect();
                    } else props.onOpen();
                }}
                onKeyDown={event => {
                    if (event.key === "F2") setTitle(conversation.title);
                    if (event.key === "Delete") void engine.removeConversations([conversation.id]);
                }}
            >
                {conversation.isTemporary ? <Icon name="ghost" /> : conversation.origin && <Icon name="branch" />}
                <span className="row-title">{conversation.title}</span>
                {activity !== "idle" && (
                    <span className={`mark is-${activity}`}>
                        <span className="visually-hidden">, {marks[activity]}</span>
                    </span>
                )}
            </a>
            {activity === "running" && (
                <IconButton icon="stop" label={`Stop ${conversation.title}`} className="row-stop" isFilled onClick={() => void engine.stopConversation(conversation.id)} />
            )}
            <Menu
                label={`More for ${conversation.title}`}
                icon="more"
                items={[
                    { label: "Rename", icon: "edit", detail: "F2", run: () => setTitle(conversation.title) },
                    {
                        label: conversation.isPinned ? "Unpin" : "Pin",
                        icon: "pin",
                        run: () => void engine.pin(conversation.id, !conversation.isPinned),
                    },
                    { label: "Select", icon: "check", run: props.onSelect },
                    {
                        label: "Export as Markdown",
                        icon: "out",
                        run: () =>
                            void engine
                                .exportConversations([conversation.id], "markdown")
                                .then(file => saveFile(file.name, file.mimeType, file.text)),
                    },
                    {
                        label: "Delete",
                        icon: "trash",
                        isDangerous: true,
                        run: () => {
                            void engine.removeConversations([conversation.id]);
                            if (props.isCurrent) openConversation(null);
                        },
                    },
                ]}
            />
        </div>
    );
});

/** What can be done with the selected chats. */
function SelectionBar({ selected, onEnd }: { selected: ReadonlySet<ConversationID>; onEnd: () => void }) {
    const engine = useEngine();
    const ids = [...selected];
    return (
        <div className="selection" role="group" aria-label="Selected chats">
            <span>{ids.length} selected</span>
            <span className="spacer" />
            <IconButton
                icon="out"
                label="Export the selected chats"
                onClick={() =>
                    void engine.exportConversations(ids, "martlet").then(file => saveFile(file.name, file.mimeType, file.text))
                }
            />
            <IconButton
                icon="trash"
                label="Delete the selected chats"
                onClick={() => {
                    void engine.removeConversations(ids);
                    onEnd();
                }}
            />
            <IconButton icon="close" label="End the selection" onClick={onEnd} />
        </div>
    );
}
