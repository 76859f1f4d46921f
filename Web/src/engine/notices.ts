import type { Environment } from "./environment";
import { newID } from "./environment";
import type { Notice } from "./types";

/** The short messages at the edge of the window. Each disappears by itself or is closed. */
export class Notices {
    private list: readonly Notice[] = [];
    onChange: () => void = () => {};

    constructor(private readonly environment: Environment) {}

    get current(): readonly Notice[] {
        return this.list;
    }

    /** Shows a text; `lasts` = milliseconds, null = until it is closed. Returns its id. */
    show(kind: Notice["kind"], text: string, action: Notice["action"] = null, lasts: number | null = 10_000): string {
        const id = newID(this.environment);
        const endsAt = lasts === null ? null : this.environment.clock.now() + lasts;
        const shownAction = action && {
            label: action.label,
            run: () => {
                this.dismiss(id);
                action.run();
            },
        };
        // The same error is shown once, however often it occurs.
        this.list = [...this.list.filter(notice => notice.text !== text), { id, kind, text, action: shownAction, endsAt }];
        if (lasts !== null) this.environment.clock.after(lasts, () => this.dismiss(id));
        this.onChange();
        return id;
    }

    dismiss(id: string): void {
        const rest = this.list.filter(notice => notice.id !== id);
        if (rest.length === this.list.length) return;
        this.list = rest;
        this.onChange();
    }
}
