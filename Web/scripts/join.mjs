// Joins the chunks that the first load needs into the main file.
//
// Example: esbuild puts code that `main` and `Search` share into a chunk, and code that `main` and `Settings` share into
// another one. The page needs all of them before it can be used, so a browser would fetch 17 files, in two rounds. After
// `join` it fetches one, and `Search` imports from that one.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join as path } from "node:path";

const hashOf = text => createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();

/** The outputs that `first` imports by statements, itself included; `import()` begins no file of the first load. */
function firstLoad(outputs, first) {
    const found = new Set([first]);
    for (const name of found) {
        for (const one of outputs.get(name).imports) {
            if (one.kind === "import-statement" && !one.external) found.add(basename(one.path));
        }
    }
    return found;
}

/**
 * Replaces the main file and its chunks by one file, and returns its name.
 *
 * - `assets`: the folder of the outputs; `metafile`: esbuild's description of them; `main`: the name of the main file.
 * - `esbuild`: the path of the tool; `options`: those of the first run that change the output.
 *
 * The joined file and all files that import from it get new names, because a name stands for one content for ever.
 */
export function join({ assets, metafile, main, esbuild, options }) {
    const described = JSON.parse(readFileSync(metafile, "utf8")).outputs;
    const outputs = new Map(Object.entries(described).filter(([name]) => name.endsWith(".js")).map(([name, output]) => [basename(name), output]));
    const first = firstLoad(outputs, main);
    const parts = [...first].filter(name => name !== main);
    const others = [...outputs.keys()].filter(name => !first.has(name));

    // The joined file exports everything that its parts exported, under names that are distinct.
    const place = new Map(parts.map((name, index) => [name, `c${index}_`]));
    const lines = [`import "./${main}";`];
    for (const name of parts) {
        const names = outputs.get(name).exports.map(one => `${one} as ${place.get(name)}${one}`);
        lines.push(`export { ${names.join(", ")} } from "./${name}";`);
    }
    const entry = path(assets, "joined-entry.js");
    const result = path(assets, "joined.js");
    writeFileSync(entry, lines.join("\n"));
    const external = others.map(name => `--external:${path(assets, name)}`);
    execFileSync(esbuild, [entry, ...options, ...external, "--bundle", "--minify", "--format=esm", "--allow-overwrite", `--outfile=${result}`], { stdio: "inherit" });
    rmSync(entry);
    for (const name of first) rmSync(path(assets, name));

    const build = [main, ...others].sort().join("\n");
    const renamed = new Map(others.map(name => [name, name.replace(/-\w+\.js$/, `-${hashOf(name + build)}.js`)]));
    const joined = `main-${hashOf(build)}.js`;
    for (const name of others) {
        const text = readFileSync(path(assets, name), "utf8");
        rmSync(path(assets, name));
        writeFileSync(path(assets, renamed.get(name)), withNewNames(importsFromJoined(text, place, joined), renamed));
    }
    const text = readFileSync(result, "utf8");
    renameSync(result, path(assets, joined));
    writeFileSync(path(assets, joined), withNewNames(text, renamed));
    return joined;
}

/** The text of a file whose imports from parts are one import from the joined file. */
function importsFromJoined(text, place, joined) {
    const names = [];
    let needsJoined = false;
    const rest = text.replace(/import(?:\{([^}]*)\}from)?"\.\/([\w-]+\.js)";?/g, (all, list, file) => {
        if (!place.has(file)) return all;
        needsJoined = true;
        for (const name of (list ?? "").split(",").filter(Boolean)) {
            const [outer, inner = outer] = name.split(" as ");
            names.push(`${place.get(file)}${outer} as ${inner}`);
        }
        return "";
    });
    if (!needsJoined) return text;
    return `import${names.length > 0 ? `{${names.join(",")}}from` : ""}"./${joined}";${rest}`;
}

function withNewNames(text, renamed) {
    return text.replace(/"\.\/([\w-]+\.js)"/g, (all, name) => (renamed.has(name) ? `"./${renamed.get(name)}"` : all));
}
