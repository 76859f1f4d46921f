/** Line icons on a grid of 24, drawn for this page. */
const paths = {
    menu: "M4 7h16M4 12h16M4 17h10",
    plus: "M12 5v14M5 12h14",
    search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
    send: "M12 19V5M6 11l6-6 6 6",
    stop: "M8 8h8v8H8z",
    pause: "M9 6v12M15 6v12",
    play: "M8 5.5v13l10-6.5z",
    skip: "M5 6l7 6-7 6zM13 6l7 6-7 6z",
    copy: "M9 9h10v11H9zM5 15V4h10",
    check: "M5 12.5l4.5 4.5L19 7",
    edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
    again: "M19 12a7 7 0 1 1-2.3-5.2M19 4v4h-4",
    branch: "M7 4v16M7 14c6 0 10-2 10-7M17 7V4M14 6l3-3 3 3",
    fork: "M6 4v4c0 3 6 3 6 6v6M18 4v4c0 3-6 3-6 6",
    trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
    more: "M6 12h.01M12 12h.01M18 12h.01",
    left: "M14 6l-6 6 6 6",
    right: "M10 6l6 6-6 6",
    down: "M6 9l6 6 6-6",
    close: "M6 6l12 12M18 6L6 18",
    clip: "M18 11l-7 7a4 4 0 0 1-6-6l8-8a3 3 0 0 1 4 4l-8 8a1 1 0 0 1-2-2l7-7",
    gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
    server: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
    star: "M12 4l2.4 5.2 5.6.6-4.2 3.8 1.2 5.6-5-2.9-5 2.9 1.2-5.6L4 9.8l5.6-.6z",
    pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
    eject: "M5 15h14L12 6zM5 19h14",
    load: "M12 4v11M7 10l5 5 5-5M5 20h14",
    file: "M7 3h7l4 4v14H7zM14 3v4h4",
    image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
    tool: "M14 7a4 4 0 0 1 5-3l-2.5 2.5 1 1L20 5a4 4 0 0 1-5.5 5L8 19.5 4.5 16 14 9.500z",
    thought: "M8 18a5 5 0 0 1-1-9.700A6 6 0 0 1 18.500 10 4 4 0 0 1 18 18zM9 21h.01",
    sliders: "M5 6h9M18 6h1M16 4v4M5 12h2M11 12h8M9 10v4M5 18h8M17 18h2M15 16v4",
    rewind: "M11 6l-7 6 7 6zM20 6l-7 6 7 6z",
    inject: "M12 3v10M8 9l4 4 4-4M4 17h16M4 21h10",
    tokens: "M4 8h5v8H4zM11 8h3v8h-3zM16 8h4v8h-4z",
    tree: "M5 5h6M8 5v14M8 12h6M8 19h6M14 10v4M14 17v4",
    text: "M5 6h14M5 10h14M5 14h9M5 18h11",
    out: "M12 15V4M8 8l4-4 4 4M5 13v7h14v-7",
    in: "M12 4v11M8 11l4 4 4-4M5 13v7h14v-7",
    sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M5 19l1.500-1.500M17.500 6.500L19 5",
    key: "M15 4a5 5 0 1 0-4.500 7.200L4 17.500V20h3v-2h2v-2h2l2.200-2.500A5 5 0 0 0 15 4zM16 8h.01",
    ghost: "M6 20V10a6 6 0 0 1 12 0v10l-3-2-3 2-3-2zM10 11h.01M14 11h.01",
    sound: "M5 10v4h3l5 4V6L8 10zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11",
    info: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 11v5M12 8h.01",
} as const;

export type IconName = keyof typeof paths;

/** An icon without a name of its own: the control around it has one. */
export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
    return (
        <svg className={`icon${filled ? " filled" : ""}${name === "more" ? " heavy" : ""}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={paths[name]} />
        </svg>
    );
}

/** The bird of the page. */
export function Bird() {
    return (
        <svg className="bird" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
            <path d="M4 20c11-3 21 1 28 9 7-8 17-12 28-9-8 5-12 9-14 15-2 6-8 11-14 15-6-4-12-9-14-15-2-6-6-10-14-15z" />
            <path d="M27 48l-5 12 10-7 10 7-5-12" />
        </svg>
    );
}
