// Packs the bundled page into one file, which Sources/CPage embeds into the program.
//
//   node Web/scripts/pack.mjs Web/dist/site Web/dist/page.pack
//
// Prints the sizes. In continuous integration (CI=true) a first load or a whole set above its budget is an error; elsewhere
// it is a line, because packages of another version may be larger. A first load of more files is always an error: their number
// depends on the build alone. The layout is described at `PagePack` in
// Sources/MartletServer/Page/PagePack.swift.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Bytes of what a browser loads before the page can be used, in gzip: plain HTTP has no brotli. */
const FIRST_LOAD = 110 * 1024;
/** Files that a browser asks for before the page can be used: each round costs a phone in a wireless network some 50 ms. */
const FIRST_FILES = 6;
/** Bytes of all files uncompressed. */
const WHOLE_SET = 1536 * 1024;

const types = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
};

const [site, output] = process.argv.slice(2);
const names = ["index.html", ...readdirSync(join(site, "page")).sort().map(name => "page/" + name)];
const files = names.map(name => {
    const type = types[extname(name)];
    if (!type) throw new Error(`pack: ${name} has no known media type; add it to Web/scripts/pack.mjs`);
    const identity = readFileSync(join(site, name));
    const file = { name, type, tag: createHash("sha256").update(identity).digest("hex").slice(0, 16), identity };
    const gzip = gzipSync(identity, { level: 9 });
    const br = brotliCompressSync(identity, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: identity.length },
    });
    // A form that is hardly smaller is not worth its room.
    if (gzip.length < identity.length * 0.95) file.gzip = gzip;
    if (br.length < identity.length * 0.95) file.br = br;
    return file;
});

const head = [];
const parts = [];
let offset = 0;
for (const { name, type, tag, identity, ...smaller } of files) {
    const entry = { name, type, tag };
    // The server makes the file itself of its gzip form for the few clients that accept no coding.
    const forms = smaller.gzip ? smaller : { identity, ...smaller };
    for (const [coding, bytes] of Object.entries(forms)) {
        entry[coding] = [offset, bytes.length];
        parts.push(bytes);
        offset += bytes.length;
    }
    head.push(entry);
}
const text = Buffer.from(JSON.stringify(head));
const length = Buffer.alloc(4);
length.writeUInt32LE(text.length);
const pack = Buffer.concat([Buffer.from("martlet page 1\n\n"), length, text, ...parts]);

const source = join(dirname(fileURLToPath(import.meta.url)), "../../Sources/CPage/page.c");
if (!existsSync(output) || !readFileSync(output).equals(pack)) {
    writeFileSync(output, pack);
    // The build sees a change of the pack, but not that the pack appears for the first time.
    if (existsSync(source)) utimesSync(source, new Date(), new Date());
}

/** The names that a file loads before it can run. */
function needs({ name, identity }) {
    const folder = name.includes("/") ? "page/" : "";
    const text = identity.toString("utf8");
    const found =
        extname(name) === ".html"
            ? [...text.matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="([^"]+)"/g)]
            : extname(name) === ".js"
              ? [...text.matchAll(/(?:^|[;}\s])import\s*(?:[\w${},*\s]+?from\s*)?"\.\/([^"]+)"/g)]
              : [];
    return found.map(match => (match[1].startsWith("page/") ? match[1] : folder + match[1]));
}

const first = new Set();
const open = ["index.html"];
while (open.length > 0) {
    const name = open.pop();
    const file = files.find(file => file.name === name);
    if (!file || first.has(file)) continue;
    first.add(file);
    if (extname(name) !== ".webmanifest") open.push(...needs(file));
}
const sum = (list, size) => list.reduce((total, file) => total + size(file), 0);
const kib = bytes => `${(bytes / 1024).toFixed(1)} KiB`;
const load = sum([...first], file => (file.gzip ?? file.identity).length);
const brotli = sum([...first], file => (file.br ?? file.gzip ?? file.identity).length);
const whole = sum(files, file => file.identity.length);
console.log(`page: first load ${kib(load)} gzip, ${kib(brotli)} brotli in ${first.size} files`);
console.log(`page: ${files.length} files, ${kib(whole)}; pack ${kib(statSync(output).size)}`);
for (const [what, size, limit] of [["first load", load, FIRST_LOAD], ["whole set", whole, WHOLE_SET]]) {
    if (size > limit) {
        console.error(`page: the ${what} has ${kib(size)}, which is more than ${kib(limit)}`);
        if (process.env.CI === "true") process.exitCode = 1;
    }
}
if (first.size > FIRST_FILES) {
    console.error(`page: the first load has ${first.size} files, which is more than ${FIRST_FILES}; see Web/scripts/join.mjs`);
    process.exitCode = 1;
}
