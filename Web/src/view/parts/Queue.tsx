import { useState } from "react";
import type { QueuedMessage } from "../../engine/types";
import { useEngine } from "../hooks";
import { IconButton } from "../ui";

/** The messages that wait for the end of the running answer. */
export function Queue({ queue }: { queue: readonly QueuedMessage[] }) {
    const engine = useEngine();
    const [editing, setEditing] = useState<{ id: string; text: string } | null>(null);
    return (
        <ul className="queue" aria-label="Waiting messages">
            {queue.map(message => (
                <li key={message.id}>
                    {editing?.id === message.id ? (
                        <form
                            onSubmit={event => {
                                event.preventDefault();
                                void engine.editQueued(message.id, editing.text);
                                setEditing(null);
                            }}
                        >
                            <input
                                aria-label="Waiting message"
                                autoFocus
                                value={editing.text}
                                onChange={event => setEditing({ id: message.id, text: event.target.value })}
                                onKeyDown={event => {
                                    if (event.key !== "Escape") return;
                                    event.stopPropagation();
                                    setEditing(null);
                                }}
                            />
                        </form>
                    ) : (
                        <span className="queue-text">{message.text || `${message.attachments.length} files`}</span>
                    )}
                    <button type="button" className="link-button" onClick={() => void engine.sendQueuedNow(message.id)}>
                        Send now
                    </button>
                    <IconButton icon="edit" label="Edit waiting message" onClick={() => setEditing({ id: message.id, text: message.text })} />
                    <IconButton icon="trash" label="Delete waiting message" onClick={() => void engine.removeQueued(message.id)} />
                </li>
            ))}
        </ul>
    );
}
