import { Suspense, useState } from "react";
import type { MessageID } from "../../engine/types";
import { rate } from "../format";
import { useClock, useEngine, useMessage } from "../hooks";
import { part } from "../part";
import { IconButton, Menu } from "../ui";
import { runningTime } from "./MessageView";

const RetuneDialog = part(() => import("./SteeringDialogs"), "RetuneDialog");
const RewindDialog = part(() => import("./SteeringDialogs"), "RewindDialog");
const InjectDialog = part(() => import("./SteeringDialogs"), "InjectDialog");

const phases: { readonly [state: string]: string } = {
    sending: "Sending",
    queued: "Waiting",
    loading: "Loading the model",
    prompting: "Reading",
    reasoning: "Thinking",
    answering: "Writing",
    tool: "Calling a tool",
    paused: "Paused",
    stopping: "Stopping",
};

type Command = "retune" | "rewind" | "inject" | "fork";

/** What runs, and the controls over it: they act on the answer while it is being written. */
export function RunningBar({ id, hasStop }: { id: MessageID; hasStop: boolean }) {
    const engine = useEngine();
    const message = useMessage(id);
    const now = useClock(true);
    const [command, setCommand] = useState<Command | null>(null);
    const [isSkipping, setSkipping] = useState(false);
    if (!message) return null;
    const actions = engine.actions(id);
    // Read with the clock: the speed changes with each token.
    const speed = engine.stream(id)?.tokensPerSecond ?? null;
    const phase = isSkipping && message.state === "reasoning" ? "Skipping" : phases[message.state] ?? "";
    return (
        <div className="running" role="group" aria-label="Running answer">
            <span className="running-phase">
                <span className={message.state === "paused" ? "pulse is-still" : "pulse"} aria-hidden="true" />
                {phase}
                <time>{runningTime(message, now)}</time>
                {speed !== null && message.state !== "paused" && <span className="running-speed">{rate(speed)} tokens/s</span>}
            </span>
            <span className="spacer" />
            {actions.skipThinking && (
                <button
                    type="button"
                    className="button quiet"
                    data-action="skip"
                    disabled={isSkipping}
                    onClick={() => {
                        setSkipping(true);
                        void engine.skipThinking(id).finally(() => setSkipping(false));
                    }}
                >
                    Skip thinking
                </button>
            )}
            {actions.pause && <IconButton icon="pause" label="Pause" action="pause" onClick={() => void engine.pause(id)} />}
            {actions.resume && (
                <IconButton icon="play" label="Go on" action="resume" isFilled onClick={() => void engine.resume(id)} />
            )}
            {hasStop && actions.stop && <IconButton icon="stop" label="Stop (Esc)" action="stop" isFilled onClick={() => void engine.stop(id)} />}
            <Menu
                label="Steer the answer"
                icon="sliders"
                items={[
                    actions.retune ? { label: "Change temperature and limits", icon: "sliders", run: () => setCommand("retune") } : null,
                    actions.rewind ? { label: "Rewind and edit", icon: "rewind", run: () => setCommand("rewind") } : null,
                    actions.inject ? { label: "Insert a text", icon: "inject", run: () => setCommand("inject") } : null,
                    actions.forkRunning ? { label: "Write a second version beside it", icon: "fork", run: () => void engine.forkRunning(id, 1) } : null,
                ]}
            />
            <Suspense fallback={null}>
            {command === "retune" && <RetuneDialog id={id} onClose={() => setCommand(null)} />}
            {command === "rewind" && <RewindDialog message={message} onClose={() => setCommand(null)} />}
            {command === "inject" && <InjectDialog id={id} onClose={() => setCommand(null)} />}
            </Suspense>
        </div>
    );
}
