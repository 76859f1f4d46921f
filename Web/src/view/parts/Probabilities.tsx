import { useState } from "react";
import type { MessageID, TokenProbability } from "../../engine/types";
import { useStreamedMessage } from "../hooks";

/** The tokens of an answer, coloured by their probability; a click shows the alternatives. */
export function Probabilities({ id }: { id: MessageID }) {
    const message = useStreamedMessage(id);
    const [chosen, setChosen] = useState<number | null>(null);
    const tokens = (message?.probabilities ?? []).filter(token => !token.isReasoning);
    const token = chosen === null ? undefined : tokens[chosen];
    return (
        <div className="probabilities" data-text="">
            <p className="tokens">
                {tokens.map((token, index) => (
                    <button
                        key={index}
                        type="button"
                        className={`token p${level(token)}`}
                        aria-pressed={chosen === index}
                        title={`${(Math.exp(token.logprob) * 100).toFixed(1)} %`}
                        onClick={() => setChosen(chosen === index ? null : index)}
                    >
                        {token.token.replace(/\n/g, "↵\n")}
                    </button>
                ))}
            </p>
            <p className="legend" aria-hidden="true">
                <span className="token p4">likely</span>
                <span className="token p2">possible</span>
                <span className="token p0">unlikely</span>
            </p>
            {token && <Alternatives token={token} />}
        </div>
    );
}

function Alternatives({ token }: { token: TokenProbability }) {
    const all = [token, ...token.alternatives.filter(other => other.token !== token.token)];
    all.sort((a, b) => b.logprob - a.logprob);
    return (
        <table className="alternatives">
            <caption>Alternatives of {JSON.stringify(token.token)}</caption>
            <tbody>
                {all.map(other => (
                    <tr key={other.token} className={other.token === token.token ? "chosen" : undefined}>
                        <th scope="row">
                            <code>{JSON.stringify(other.token)}</code>
                        </th>
                        <td>{(Math.exp(other.logprob) * 100).toFixed(2)} %</td>
                        <td className="bar" aria-hidden="true">
                            <span style={{ width: `${Math.exp(other.logprob) * 100}%` }} />
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

/** The class of a probability, from 0 (unlikely) to 4. */
function level(token: TokenProbability): number {
    const share = Math.exp(token.logprob);
    return share > 0.9 ? 4 : share > 0.6 ? 3 : share > 0.3 ? 2 : share > 0.1 ? 1 : 0;
}
