import type { Model } from "../../engine/types";
import { topics } from "../../engine/types";
import { copyText } from "../clipboard";
import { bytes, count } from "../format";
import { useTopic } from "../hooks";
import { Dialog, IconButton } from "../ui";

/** Everything that the server says about a model, to read and to copy. */
export function ModelDialog({ model, onClose }: { model: Model; onClose: () => void }) {
    const server = useTopic(topics.server, engine => engine.server());
    const abilities = [
        model.canSee && "sees images",
        model.canHear && "hears",
        model.canThink && "thinks",
        model.canCallTools && "calls tools",
    ].filter(Boolean);
    const rows: [string, string | null][] = [
        ["Name", model.name],
        ["Other names", model.aliases.filter(alias => alias !== model.name).join(", ") || null],
        ["State", model.statusWords],
        ["Quantization", model.quantization],
        ["Parameters", model.parameters === null ? null : count(model.parameters)],
        ["File", model.size === null ? null : bytes(model.size)],
        ["Memory", model.memory === null ? null : bytes(model.memory) + (model.fits === false ? ", does not fit" : "")],
        ["Context", model.contextTokens === null ? null : `${count(model.contextTokens)} tokens`],
        ["Abilities", abilities.join(", ") || null],
    ];
    return (
        <Dialog title={model.name} onClose={onClose}>
            <dl className="about">
                {rows
                    .filter((row): row is [string, string] => row[1] !== null)
                    .map(([name, value]) => (
                        <div key={name}>
                            <dt>{name}</dt>
                            <dd>
                                <span>{value}</span>
                                <IconButton icon="copy" label={`Copy ${name}`} onClick={() => void copyText(value)} />
                            </dd>
                        </div>
                    ))}
            </dl>
            {model.status === "loaded" && server.chatTemplate && (
                <details className="template">
                    <summary>Chat template</summary>
                    <pre className="raw" tabIndex={0}>
                        {server.chatTemplate}
                    </pre>
                </details>
            )}
        </Dialog>
    );
}
