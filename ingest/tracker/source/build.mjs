// Makes the shipped script of the sources: bundled by esbuild, which knows modules, and minified by terser, which makes
// it a twentieth smaller than esbuild would.
//
//     node build.mjs DIRECTORY    writes DIRECTORY/t.VERSION.DIGEST.js

import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

// Of the next release. What was released never changes, for pages name it by its digest.
const VERSION = 1;

const ECMA = 2020; // browsers since 2020: Chrome 80, Firefox 74, Safari 14

const bundled = await build({
  entryPoints: ["main.js"],
  bundle: true,
  format: "esm",
  target: `es${ECMA}`,
  write: false,
});
// One word for both kinds of variable compresses better; neither tool does that.
const { code } = await minify(bundled.outputFiles[0].text.replace(/\b(const|var) /g, "let "), {
  ecma: ECMA,
  module: true,
  compress: {
    passes: 5,
    booleans_as_integers: true,
    hoist_props: true,
    keep_fargs: false,
    pure_getters: true,
    unsafe: true,
    unsafe_arrows: true,
  },
});
// Whatever goes wrong while it loads must not reach the page either.
const script = `(()=>{try{${code}}catch{}})()\n`;
const digest = createHash("sha256").update(script).digest("hex").slice(0, 12);
const name = `t.${VERSION}.${digest}.js`;

const [, , directory] = process.argv;
const other = readdirSync(directory).find((file) => file.startsWith(`t.${VERSION}.`) && file !== name);
if (other) throw new Error(`version ${VERSION} is published as ${other}: raise VERSION, or delete it if it never was`);
writeFileSync(`${directory}/${name}`, script);
console.log(`${name}: ${gzipSync(script, { level: 9 }).length} bytes gzipped`);
