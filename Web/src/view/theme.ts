import { recall } from "./memory";

/** Applies the chosen theme before the first paint. The choice is a copy of the setting `theme` (see `applyTheme`). */
const chosen = recall("martlet.theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
