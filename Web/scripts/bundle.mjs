// Bundles the page into Web/dist/site: index.html, and page/NAME-HASH.EXT for everything else.
//
//   node Web/scripts/bundle.mjs          prints each output and its size; exits 1 with the finding of tsc or esbuild
//
// Libraries are read from Web/node_modules if that exists, else from Debian's /usr/share/nodejs. The script fetches
// nothing. Placeholders of index.html (`%main.js%`) are replaced by relative URLs with hashed names, `%build%` by a hash
// over all outputs.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
    copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { join as joinFirstLoad } from "./join.mjs";

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const site = join(web, "dist/site");
const assets = join(site, "page");
const debian = "/usr/share/nodejs";
const own = join(web, "node_modules");
const libraries = existsSync(own) ? own : debian;

/** The path of a tool: of Web/node_modules, else of the PATH. */
function tool(name) {
    const local = join(own, ".bin", name);
    return existsSync(local) ? local : name;
}

/** Runs a tool with its output on this terminal; its failure ends the script. */
function run(name, options) {
    try {
        execFileSync(tool(name), options, { cwd: web, stdio: "inherit", env: { ...process.env, NODE_PATH: libraries } });
    } catch (problem) {
        console.error(`page: ${name} failed (${problem.code ?? "status " + problem.status})`);
        process.exit(1);
    }
}

const hashOf = bytes => createHash("sha256").update(bytes).digest("hex").slice(0, 8).toUpperCase();

/** The outputs of an esbuild run by the path of their entry point. */
function outputs(metafile) {
    const { outputs } = JSON.parse(readFileSync(metafile, "utf8"));
    const byEntry = new Map();
    for (const [path, output] of Object.entries(outputs)) {
        if (!output.entryPoint) continue;
        byEntry.set(basename(output.entryPoint) + extname(path), basename(path));
        // The style sheets that an entry imports lie beside it.
        if (output.cssBundle) byEntry.set(basename(output.entryPoint) + ".css", basename(output.cssBundle));
    }
    return byEntry;
}

const common = [
    "--bundle", "--minify", "--target=es2021", "--jsx=automatic", "--log-level=warning", "--charset=utf8",
    `--outdir=${assets}`, "--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]", "--asset-names=[name]-[hash]",
    "--loader:.woff2=file", "--loader:.woff=empty", "--loader:.ttf=empty", "--define:global=globalThis",
    `--define:process.env.NODE_ENV="production"`, "--legal-comments=none",
];
const metafile = join(web, "dist/meta.json");

/** Bundles entries, and returns the name of each output in page/ by "NAME.EXT" of its entry. */
function bundle(entries, options) {
    run("esbuild", [...entries, ...common, ...options, `--metafile=${metafile}`]);
    const names = new Map();
    for (const [key, name] of outputs(metafile)) {
        names.set(key.replace(/\.(tsx|ts|css)(\.[a-z]+)$/, "$2"), name);
    }
    return names;
}

rmSync(join(web, "dist"), { recursive: true, force: true });
mkdirSync(assets, { recursive: true });
run("tsc", ["-p", "."]);

const names = new Map();
const view = join(web, "src/view");
const statics = join(web, "static");
for (const name of existsSync(statics) ? readdirSync(statics) : []) {
    const bytes = readFileSync(join(statics, name));
    const [stem, extension] = [basename(name, extname(name)), extname(name)];
    const hashed = `${stem}-${hashOf(bytes)}${extension}`;
    copyFileSync(join(statics, name), join(assets, hashed));
    names.set(name, hashed);
}
// Static files may name each other (`%icon.svg%` in the manifest): the names are relative to page/.
for (const name of existsSync(statics) ? readdirSync(statics) : []) {
    const path = join(assets, names.get(name));
    if (!/\.(webmanifest|html|json)$/.test(name)) continue;
    writeFileSync(path, readFileSync(path, "utf8").replace(/%([\w.-]+\.\w+)%/g, (all, key) => names.get(key) ?? all));
}
// Style sheets that lazy chunks add: their names are known before the chunks are bundled. The two old forms of each font
// are left out, because every browser that runs the page reads woff2.
for (const [key, name] of bundle([join(view, "math.css"), join(web, "src/styles/more.css")], [])) names.set(key, name);
const [mathStyles, moreStyles] = [names.get("math.css"), names.get("more.css")];
const mathPath = join(assets, mathStyles);
writeFileSync(mathPath, readFileSync(mathPath, "utf8").replace(/,\s*url\([^)]*\)\s*format\("?(woff|truetype)"?\)/g, ""));
if (existsSync(join(view, "theme.ts"))) {
    for (const [key, name] of bundle([join(view, "theme.ts")], ["--format=iife"])) names.set(key, name);
}
const punycode = `--alias:punycode=${join(web, "scripts/punycode.js")}`;
const main = [
    "--format=esm", "--splitting", punycode,
    `--define:MATH_STYLES=${JSON.stringify(mathStyles)}`, `--define:MORE_STYLES=${JSON.stringify(moreStyles)}`,
    `--define:PREVIEW_PAGE=${JSON.stringify(names.get("preview.html"))}`,
];
for (const [key, name] of bundle([join(view, "main.tsx")], main)) names.set(key, name);
names.set("main.js", joinFirstLoad({
    assets, metafile, main: names.get("main.js"), esbuild: tool("esbuild"), options: ["--target=es2021", "--charset=utf8", "--log-level=warning"],
}));

const build = hashOf(readdirSync(assets).sort().map(name => name + hashOf(readFileSync(join(assets, name)))).join("\n"));
const index = readFileSync(join(web, "index.html"), "utf8").replace(/%([\w.-]+)%/g, (all, key) => {
    if (key === "build") return build;
    if (names.has(key)) return "page/" + names.get(key);
    console.error(`page: Web/index.html names ${all}, but no output has this name; outputs: ${[...names.keys()].join(" ")}`);
    process.exit(1);
});
writeFileSync(join(site, "index.html"), index);
rmSync(metafile, { force: true });
let total = statSync(join(site, "index.html")).size;
for (const name of readdirSync(assets)) total += statSync(join(assets, name)).size;
console.log(`page: ${readdirSync(assets).length + 1} files, ${Math.ceil(total / 1024)} KiB, build ${build}`);
const pack = join(web, "scripts/pack.mjs");
if (existsSync(pack)) {
    const packed = spawnSync(process.execPath, [pack, site, join(web, "dist/page.pack")], { stdio: "inherit" });
    process.exit(packed.status ?? 1);
}
