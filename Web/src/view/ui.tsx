import { ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useBack } from "./back";
import { Icon, IconName } from "./icons";

/** The small controls of the page. */

/** A button with an icon. Its name is read by screen readers and shown as a tooltip. */
export function IconButton(props: {
    icon: IconName;
    label: string;
    onClick: () => void;
    action?: string;
    isPressed?: boolean;
    isExpanded?: boolean;
    isDisabled?: boolean;
    isFilled?: boolean;
    className?: string;
    text?: string;
}) {
    return (
        <button
            type="button"
            className={`icon-button ${props.className ?? ""}`}
            aria-label={props.label}
            title={props.label}
            data-action={props.action}
            aria-pressed={props.isPressed}
            aria-expanded={props.isExpanded}
            disabled={props.isDisabled}
            onClick={props.onClick}
        >
            <Icon name={props.icon} filled={props.isFilled} />
            {props.text && <span>{props.text}</span>}
        </button>
    );
}

/** A modal dialog. It has the focus while it is open, and returns it. */
export function Dialog(props: {
    title: string;
    onClose: () => void;
    children: ReactNode;
    className?: string;
    actions?: ReactNode;
    /** The body has no control, so it gets the focus itself: a keyboard must be able to scroll it. */
    isText?: boolean;
}) {
    const dialog = useRef<HTMLDialogElement>(null);
    const heading = useRef<HTMLHeadingElement>(null);
    const title = useId();
    useBack(true, props.onClose);
    useLayoutEffect(() => {
        const element = dialog.current;
        element?.showModal();
        // The title gets the focus instead of the button that closes, unless a part of the dialog wants it.
        heading.current?.focus();
        return () => element?.close();
    }, []);
    return (
        <dialog
            ref={dialog}
            className={`dialog ${props.className ?? ""}`}
            aria-labelledby={title}
            onCancel={event => {
                event.preventDefault();
                props.onClose();
            }}
            onMouseDown={event => {
                if (event.target === dialog.current) props.onClose();
            }}
        >
            <div className="dialog-box">
                <header className="dialog-head">
                    <h2 id={title} ref={heading} tabIndex={-1}>
                        {props.title}
                    </h2>
                    <IconButton icon="close" label="Close" onClick={props.onClose} />
                </header>
                <div className="dialog-body" tabIndex={props.isText ? 0 : undefined}>
                    {props.children}
                </div>
                {props.actions && <footer className="dialog-actions">{props.actions}</footer>}
            </div>
        </dialog>
    );
}

export interface MenuItem {
    readonly label: string;
    readonly icon?: IconName;
    readonly run: () => void;
    readonly isDangerous?: boolean;
    readonly detail?: string;
    readonly action?: string;
}

/** A button that opens a list of commands. Arrows move, Escape closes and returns the focus. */
export function Menu(props: {
    label: string;
    icon: IconName;
    items: readonly (MenuItem | null)[];
    className?: string;
    text?: string;
    align?: "start" | "end";
}) {
    const [isOpen, setOpen] = useState(false);
    const root = useRef<HTMLDivElement>(null);
    const list = useRef<HTMLDivElement>(null);
    useEffect(() => {
        if (!isOpen) return;
        list.current?.querySelector("button")?.focus();
        const outside = (event: Event) => {
            if (!root.current?.contains(event.target as Node)) setOpen(false);
        };
        document.addEventListener("pointerdown", outside);
        document.addEventListener("focusin", outside);
        return () => {
            document.removeEventListener("pointerdown", outside);
            document.removeEventListener("focusin", outside);
        };
    }, [isOpen]);
    useLayoutEffect(() => {
        const element = list.current;
        if (!isOpen || !element) return;
        // Stay within the window: above the button if there is no room below, and never beyond an edge.
        const place = element.getBoundingClientRect();
        element.classList.toggle("above", place.bottom > innerHeight - 8);
        const shift = Math.min(0, innerWidth - 8 - place.right) + Math.max(0, 8 - place.left);
        element.style.transform = shift ? `translateX(${shift}px)` : "";
    }, [isOpen]);
    const close = () => {
        setOpen(false);
        root.current?.querySelector<HTMLElement>(":scope > button")?.focus();
    };
    const move = (step: number) => {
        const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
        const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
        buttons[(at + step + buttons.length) % buttons.length]?.focus();
    };
    const items = props.items.filter((item): item is MenuItem => item !== null);
    if (items.length === 0) return null;
    return (
        <div className="menu" ref={root}>
            <button
                type="button"
                className={`icon-button ${props.className ?? ""}`}
                aria-label={props.label}
                title={props.label}
                aria-haspopup="menu"
                aria-expanded={isOpen}
                onClick={() => setOpen(!isOpen)}
            >
                <Icon name={props.icon} />
                {props.text && <span>{props.text}</span>}
            </button>
            {isOpen && (
                <div
                    ref={list}
                    className={`menu-list ${props.align ?? "end"}`}
                    role="menu"
                    aria-label={props.label}
                    onKeyDown={event => {
                        if (event.key === "ArrowDown") move(1);
                        else if (event.key === "ArrowUp") move(-1);
                        else if (event.key === "Escape") close();
                        else return;
                        event.preventDefault();
                        event.stopPropagation();
                    }}
                >
                    {items.map(item => (
                        <button
                            key={item.label}
                            type="button"
                            role="menuitem"
                            tabIndex={-1}
                            data-action={item.action}
                            className={item.isDangerous ? "dangerous" : undefined}
                            onClick={() => {
                                close();
                                item.run();
                            }}
                        >
                            {item.icon && <Icon name={item.icon} />}
                            <span>{item.label}</span>
                            {item.detail && <kbd>{item.detail}</kbd>}
                        </button>
                    ))}
                </div>
            )}
        </div>
    );
}

/** A thin bar from 0 to 1; null = it pulses. */
export function Progress({ value, label }: { value: number | null; label: string }) {
    return (
        <span
            className={value === null ? "progress pulsing" : "progress"}
            role="progressbar"
            aria-label={label}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={value === null ? undefined : Math.round(value * 100)}
        >
            <span style={value === null ? undefined : { width: `${Math.max(3, value * 100)}%` }} />
        </span>
    );
}

/** A text area that grows with its text, up to the height that its style allows. */
export function GrowingText(props: {
    value: string;
    onChange: (text: string) => void;
    label: string;
    placeholder?: string;
    onKeyDown?: (event: React.KeyboardEvent<HTMLTextAreaElement>) => void;
    autoFocus?: boolean;
    rows?: number;
    isCode?: boolean;
}) {
    const area = useRef<HTMLTextAreaElement>(null);
    useLayoutEffect(() => grow(area.current), [props.value]);
    useEffect(() => {
        if (props.autoFocus && area.current) {
            area.current.focus();
            area.current.setSelectionRange(area.current.value.length, area.current.value.length);
        }
    }, [props.autoFocus]);
    return (
        <textarea
            ref={area}
            className={props.isCode ? "growing code-text" : "growing"}
            aria-label={props.label}
            placeholder={props.placeholder}
            rows={props.rows ?? 1}
            value={props.value}
            dir="auto"
            onChange={event => props.onChange(event.target.value)}
            onKeyDown={props.onKeyDown}
        />
    );
}

/** Sets the height of a text area to that of its text. */
export function grow(area: HTMLTextAreaElement | null): void {
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

/** Downloads a text as a file. */
export function saveFile(name: string, mimeType: string, text: string): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: mimeType }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
