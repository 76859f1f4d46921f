import { useState } from "react";
import type { JSONValue } from "../../engine/types";
import { copyText } from "../clipboard";

/** A JSON value as a tree that opens and closes. Only open branches are drawn, so a large value costs little. */
export function JSONTree({ value }: { value: JSONValue }) {
    return (
        <div className="json" tabIndex={0} role="group" aria-label="Structured output">
            <button type="button" className="json-copy" onClick={() => void copyText(JSON.stringify(value, null, 2))}>
                Copy JSON
            </button>
            <Branch name={null} value={value} depth={0} />
        </div>
    );
}

/** The most members that a branch shows at once. */
const PAGE = 200;

function Branch({ name, value, depth }: { name: string | null; value: JSONValue; depth: number }) {
    const isContainer = value !== null && typeof value === "object";
    const [isOpen, setOpen] = useState(depth < 2);
    const [limit, setLimit] = useState(PAGE);
    const label = name === null ? null : <span className="json-key">{name}</span>;
    if (!isContainer) {
        return (
            <div className="json-row">
                {label}
                <span className={`json-${value === null ? "null" : typeof value}`}>{JSON.stringify(value)}</span>
            </div>
        );
    }
    const entries: [string, JSONValue][] = Array.isArray(value)
        ? value.map((element, index) => [String(index), element])
        : Object.entries(value);
    const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
    return (
        <div className="json-branch">
            <button type="button" className="json-row" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                <span className="json-arrow" aria-hidden="true" />
                {label}
                <span className="json-size">{size}</span>
            </button>
            {isOpen && (
                <div className="json-children">
                    {entries.slice(0, limit).map(([key, member]) => (
                        <Branch key={key} name={key} value={member} depth={depth + 1} />
                    ))}
                    {entries.length > limit && (
                        <button type="button" className="link-button" onClick={() => setLimit(limit + PAGE)}>
                            {entries.length - limit} more
                        </button>
                    )}
                </div>
            )}
        </div>
    );
}
