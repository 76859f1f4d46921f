import { useState } from "react";
import type { JSONValue, Message, ToolCall } from "../../engine/types";
import { parsed } from "../format";
import { useEngine, useStreamedMessage } from "../hooks";
import { Icon } from "../icons";
import { GrowingText } from "../ui";
import { JSONTree } from "./JSONTree";

/** The tool calls of an answer, with their results or a form for them. */
export function ToolCalls({ message, results }: { message: Message; results: readonly Message[] }) {
    const current = useStreamedMessage(message.id) ?? message;
    return (
        <div className="tools">
            {current.toolCalls.map(call => (
                <Call
                    key={call.id}
                    call={call}
                    message={current}
                    result={results.find(result => result.toolCallID === call.id)}
                />
            ))}
        </div>
    );
}

function Call({ call, message, result }: { call: ToolCall; message: Message; result: Message | undefined }) {
    const value = parsed(call.arguments);
    const writes = message.state === "tool";
    return (
        <details className="tool" open={!result}>
            <summary>
                <Icon name="tool" />
                <span className="tool-name">{call.name}</span>
                <span className="tool-brief">{brief(value)}</span>
                <span className={result ? "state is-good" : "state"}>
                    {result ? "done" : writes ? "writing" : "needs a result"}
                </span>
            </summary>
            <div className="tool-part">
                {value === undefined ? <pre className="raw">{call.arguments}</pre> : <JSONTree value={value} />}
            </div>
            {result && (
                <div className="tool-part">
                    <p className="tool-caption">Result</p>
                    <Result text={result.text} />
                </div>
            )}
            {!result && message.state === "done" && <AnswerForm message={message} call={call} />}
        </details>
    );
}

function Result({ text }: { text: string }) {
    const value = parsed(text);
    return value === undefined || typeof value !== "object" ? (
        <pre className="raw">{text}</pre>
    ) : (
        <JSONTree value={value} />
    );
}

/** The user gives the result, and the answer goes on. The page itself runs JavaScript only, when the user says so. */
function AnswerForm({ message, call }: { message: Message; call: ToolCall }) {
    const engine = useEngine();
    const [text, setText] = useState("");
    const value = parsed(call.arguments) as { code?: unknown } | null | undefined;
    const code = call.name === "run_javascript" && typeof value?.code === "string" ? value.code : null;
    const run = async (script: string): Promise<void> => {
        const { outputText, runJavaScript } = await import("../markdown/preview");
        await engine.answerToolCall(message.id, call.id, outputText(await runJavaScript(script)));
    };
    return (
        <form
            className="tool-part tool-form"
            onSubmit={event => {
                event.preventDefault();
                void engine.answerToolCall(message.id, call.id, text);
            }}
        >
            <GrowingText label={`Result of ${call.name}`} value={text} onChange={setText} placeholder="Result of the call" isCode />
            <span className="tool-buttons">
                <button type="submit" className="button">
                    Send result
                </button>
                {code !== null && (
                    <button type="button" className="button primary" onClick={() => void run(code)}>
                        Run
                    </button>
                )}
            </span>
        </form>
    );
}

/** The arguments in one line. */
function brief(value: JSONValue | undefined): string {
    if (value === undefined || value === null || typeof value !== "object" || Array.isArray(value)) return "";
    return Object.entries(value)
        .map(([name, member]) => `${name}: ${typeof member === "string" ? member : JSON.stringify(member)}`)
        .join(", ");
}
