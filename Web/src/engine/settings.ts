import type { JSONValue, ResolvedSetting, SettingField, SettingValues } from "./types";

/** What the table below says about a field; the kind follows from the server's value. */
interface Hint {
    readonly label?: string;
    readonly section?: SettingField["section"];
    readonly kind?: SettingField["kind"];
    readonly choices?: readonly string[];
    readonly range?: readonly [number | null, number | null, number | null];
    readonly help?: string;
}

/** Names and ranges of the request fields that most users know. Other fields of the server appear with their names. */
const hints: { readonly [field: string]: Hint } = {
    temperature: { label: "Temperature", range: [0, 2, 0.05], help: "Higher = more varied answers; 0 = the likeliest." },
    top_k: { label: "Top K", range: [0, 200, 1], help: "Tokens among which a token is chosen; 0 = all." },
    top_p: { label: "Top P", range: [0, 1, 0.01], help: "The likeliest tokens that together have this probability." },
    min_p: { label: "Min P", range: [0, 1, 0.01], help: "The least probability, relative to the likeliest token." },
    typical_p: { label: "Typical P", range: [0, 1, 0.01] },
    top_n_sigma: { label: "Top n sigma", range: [-1, 10, 0.1], help: "-1 = off." },
    xtc_probability: { label: "XTC probability", range: [0, 1, 0.01] },
    xtc_threshold: { label: "XTC threshold", range: [0, 1, 0.01] },
    dynatemp_range: { label: "Dynamic temperature range", range: [0, 2, 0.05] },
    dynatemp_exponent: { label: "Dynamic temperature exponent", range: [0, 5, 0.1] },
    mirostat: { label: "Mirostat", range: [0, 2, 1] },
    mirostat_tau: { label: "Mirostat tau", range: [0, 10, 0.1] },
    mirostat_eta: { label: "Mirostat eta", range: [0, 1, 0.01] },
    repeat_penalty: { label: "Repeat penalty", range: [0, 2, 0.01], help: "1 = off." },
    repeat_last_n: { label: "Tokens for the repeat penalty", range: [-1, 4096, 1] },
    presence_penalty: { label: "Presence penalty", range: [-2, 2, 0.05] },
    frequency_penalty: { label: "Frequency penalty", range: [-2, 2, 0.05] },
    dry_multiplier: { label: "DRY multiplier", range: [0, 5, 0.05] },
    dry_base: { label: "DRY base", range: [0, 5, 0.05] },
    dry_allowed_length: { label: "DRY allowed length", range: [0, 100, 1] },
    dry_penalty_last_n: { label: "Tokens for DRY", range: [-1, 4096, 1] },
    dry_sequence_breakers: { label: "DRY sequence breakers", kind: "json" },
    samplers: { label: "Order of samplers", kind: "lines", help: "One name per line." },
    adaptive_target: { label: "Adaptive target", range: [-1, 1, 0.01] },
    adaptive_decay: { label: "Adaptive decay", range: [0, 1, 0.01] },
    seed: { label: "Seed", range: [0, 4294967295, 1], help: "The same seed repeats an answer." },
    max_tokens: {
        label: "Longest answer",
        section: "limits",
        range: [-1, 1_000_000, 1],
        help: "In tokens; -1 = until the model ends.",
    },
    stop: { label: "Stop texts", section: "limits", kind: "lines", help: "One text per line." },
    t_max_predict_ms: { label: "Longest time of an answer", section: "limits", range: [-1, 86_400_000, 100] },
    n_keep: { section: "limits" },
    n_discard: { section: "limits" },
    ignore_eos: { label: "Ignore the end token", section: "developer" },
    grammar: { label: "Grammar", section: "output", kind: "text", help: "GBNF." },
    logit_bias: { section: "developer", kind: "json" },
    n_probs: { section: "developer" },
    min_keep: { section: "developer" },
    cache_prompt: { label: "Reuse the cache", section: "developer" },
    n_indent: { section: "developer" },
    id_slot: { section: "developer" },
};

/** Fields of `/props` that the page sets itself, or that are no wishes of a user. */
const hidden: ReadonlySet<string> = new Set([
    "stream", "n_predict", "timings_per_token", "grammar_lazy", "grammar_triggers", "preserved_tokens", "lora",
    "speculative.types", "post_sampling_probs", "backend_sampling", "reasoning_in_content", "reasoning_format",
    "chat_format", "generation_prompt", "return_progress", "return_tokens", "verbose", "response_fields",
]);

/** The values of `reasoning_effort`; "" = the model decides. */
export const reasoningEfforts: readonly string[] = ["", "none", "minimal", "low", "medium", "high"];

/** Request fields that `/props` does not list. Absent = not sent. */
const more: readonly SettingField[] = [
    field("reasoning_effort", null, {
        label: "Reasoning effort",
        section: "reasoning",
        kind: "choice",
        choices: reasoningEfforts,
    }),
    field("reasoning_budget_tokens", null, {
        label: "Reasoning limit",
        section: "reasoning",
        kind: "integer",
        range: [-1, 1_000_000, 1],
        help: "In tokens; -1 = no limit.",
    }),
    field("tools", null, {
        label: "Tools",
        section: "output",
        kind: "json",
        help: "A list of tools in OpenAI's form. The page shows their calls, and you write the results.",
    }),
    field("json_schema", null, { label: "JSON schema of the answer", section: "output", kind: "json" }),
];

/** The tool that the page runs itself (`view/markdown/preview.ts`). */
const javascriptTool: JSONValue = {
    type: "function",
    function: {
        name: "run_javascript",
        description: "Runs JavaScript without network and files. Returns what console.log and `return` print.",
        parameters: { type: "object", properties: { code: { type: "string" } }, required: ["code"] },
    },
};

/** Settings of the page itself, with their values for a new user. */
const pageDefaults: { readonly [name: string]: readonly [JSONValue, Hint] } = {
    theme: ["system", { label: "Theme", section: "display", kind: "choice", choices: ["system", "light", "dark"] }],
    openReasoning: [true, { label: "Open the reasoning while the model thinks", section: "display" }],
    showStatistics: [true, { label: "Show statistics below answers", section: "display" }],
    showProbabilities: [
        false,
        { label: "Ask for token probabilities", section: "developer", help: "Colours tokens by their probability." },
    ],
    modelTitles: [
        true,
        { label: "Let the model write titles", section: "general", help: "After the first answer; otherwise the first line is the title." },
    ],
    systemPrompt: ["", { label: "System prompt of new chats", section: "general", kind: "text" }],
    sendOnEnter: [true, { label: "Enter sends", section: "general", help: "On touch keyboards Enter adds a line." }],
    pasteToFile: [
        2500,
        { label: "Paste as a file from", section: "general", kind: "integer", range: [0, 1_000_000, 100], help: "0 = never." },
    ],
    imageMegapixels: [
        0,
        { label: "Largest picture", section: "general", kind: "number", range: [0, 100, 0.5], help: "In megapixels; larger ones are made smaller. 0 = any size." },
    ],
    // Texts under names; the text box has a dialog for them.
    prompts: [[], { section: "general", kind: "json" }],
    loadOnChoice: [
        false,
        { label: "Load a model when it is chosen", section: "general", help: "Otherwise the first message loads it." },
    ],
    javascriptTool: [
        false,
        {
            label: "Offer the model a JavaScript tool",
            section: "developer",
            help: "Its code runs when you press Run, in a frame without network and storage.",
        },
    ],
    screenReaderFull: [false, { label: "Read answers in full to a screen reader", section: "general" }],
};

function field(name: string, value: JSONValue, hint: Hint, isRequestField = true): SettingField {
    const [minimum, maximum, step] = hint.range ?? [null, null, null];
    return {
        name,
        label: hint.label ?? name,
        section: hint.section ?? (isRequestField ? "sampling" : "general"),
        kind: hint.kind ?? kindOf(value, step),
        choices: hint.choices ?? [],
        minimum,
        maximum,
        step,
        help: hint.help ?? "",
        isRequestField,
    };
}

function kindOf(value: JSONValue, step: number | null): SettingField["kind"] {
    if (typeof value === "boolean") return "switch";
    if (typeof value === "number") return step !== null && Number.isInteger(step) ? "integer" : "number";
    if (typeof value === "string") return "text";
    return "json";
}

/** Equality of JSON values. */
export function isSame(left: JSONValue | undefined, right: JSONValue | undefined): boolean {
    return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/**
 * The settings of the page: server → browser → conversation, per field.
 *
 * Example: the server's temperature is 0.8, the user set 0.5 for the browser and nothing for this conversation. The value
 * is 0.5, its source `browser`, and a reset restores 0.8. A field that the server does not list is not offered, so the
 * page needs no list of its own for new fields.
 */
export class Settings {
    private fields: readonly SettingField[] = [...more, ...pageFields()];
    private defaults: SettingValues = {};

    /** Reads the fields and defaults of `/props`. */
    setServer(props: JSONValue | undefined): void {
        const settings = (props as { default_generation_settings?: { params?: SettingValues } } | undefined)
            ?.default_generation_settings;
        const params = settings?.params;
        if (!params) return;
        this.defaults = params;
        const listed = Object.keys(params).filter(name => !hidden.has(name));
        const order = Object.keys(hints);
        const rank = (name: string): number => (order.indexOf(name) < 0 ? order.length : order.indexOf(name));
        listed.sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1));
        this.fields = [
            ...listed.map(name => field(name, params[name], hints[name] ?? { section: "developer" })),
            ...more.filter(extra => !listed.includes(extra.name)),
            ...pageFields(),
        ];
    }

    /** All fields with their values; `conversation` is null for the settings of the browser. */
    resolve(browser: SettingValues, conversation: SettingValues | null): readonly ResolvedSetting[] {
        return this.fields
            .filter(one => conversation === null || one.isRequestField)
            .map(one => {
                const base = one.isRequestField ? this.defaults[one.name] ?? null : pageDefaults[one.name][0];
                const own = browser[one.name];
                const special = conversation?.[one.name];
                if (special !== undefined) {
                    return { field: one, value: special, source: "conversation", inherited: own ?? base };
                }
                if (own !== undefined) return { field: one, value: own, source: "browser", inherited: base };
                return { field: one, value: base, source: one.isRequestField ? "server" : "page", inherited: base };
            });
    }

    value(browser: SettingValues, conversation: SettingValues | null, name: string): JSONValue {
        const special = conversation?.[name] ?? browser[name];
        if (special !== undefined) return special;
        return this.defaults[name] ?? pageDefaults[name]?.[0] ?? null;
    }

    /**
     * The request fields of an answer: values that the user chose. The server's defaults are not sent, so that a change
     * at the server applies at once.
     */
    options(browser: SettingValues, conversation: SettingValues, answer: SettingValues): SettingValues {
        const options: { [name: string]: JSONValue } = {};
        for (const values of [browser, conversation, answer]) {
            for (const [name, value] of Object.entries(values)) {
                if (name in pageDefaults) continue;
                if (value === null || value === "") delete options[name];
                else options[name] = value;
            }
        }
        if (this.value(browser, null, "showProbabilities") === true && options.logprobs === undefined) {
            options.logprobs = true;
            options.top_logprobs = 5;
        }
        if (this.value(browser, null, "javascriptTool") === true) {
            options.tools = [...(Array.isArray(options.tools) ? options.tools : []), javascriptTool];
        }
        return options;
    }
}

function pageFields(): SettingField[] {
    return Object.entries(pageDefaults)
        .filter(([name]) => name !== "prompts")
        .map(([name, [value, hint]]) => field(name, value, hint, false));
}
