import type { JSONValue } from "../engine/types";

/** Numbers and times for people. */

/** A count with a thin space between thousands: "12 345". */
export function count(value: number): string {
    return Math.round(value).toLocaleString("en").replace(/,/g, "\u2009");
}

/** A count in at most four characters: "2.3k". */
export function shortCount(value: number): string {
    if (value < 1000) return String(Math.round(value));
    if (value < 10_000) return (value / 1000).toFixed(1).replace(/\.0$/, "") + "k";
    if (value < 1_000_000) return Math.round(value / 1000) + "k";
    return (value / 1_000_000).toFixed(1).replace(/\.0$/, "") + "M";
}

/** A duration: "340 ms", "2.4 s", "1 min 5 s". */
export function duration(milliseconds: number): string {
    if (milliseconds < 995) return `${Math.round(milliseconds)} ms`;
    const seconds = milliseconds / 1000;
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.round(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    const rest = Math.floor(seconds - minutes * 60);
    if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
    return `${Math.floor(minutes / 60)} h` + (minutes % 60 === 0 ? "" : ` ${minutes % 60} min`);
}

/** A rate with two or three digits: "4.2", "128". */
export function rate(value: number): string {
    return value > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** A number of bytes: "4.1 GB". Powers of ten, as model files are described. */
export function bytes(value: number): string {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function percent(share: number): string {
    return `${Math.round(share * 100)} %`;
}

/** The group of the sidebar for a time. */
export function dayGroup(time: number, now: number): string {
    const midnight = new Date(now).setHours(0, 0, 0, 0);
    if (time >= midnight) return "Today";
    if (time >= midnight - 86_400_000) return "Yesterday";
    if (time >= midnight - 7 * 86_400_000) return "Last 7 days";
    return new Date(time).toLocaleDateString("en", { month: "long", year: "numeric" });
}

/** JSON text as a value; undefined while it is incomplete. */
export function parsed(text: string): JSONValue | undefined {
    try {
        return JSON.parse(text) as JSONValue;
    } catch {
        return undefined;
    }
}
