// Reads a JSON list of Flux texts on standard input, writes a list of booleans: whether each has no error of syntax or
// type. The package is the compiler's front end, the same that InfluxDB has, as WebAssembly for browsers.
import fs from "node:fs";

const folder = new URL("./node_modules/@influxdata/flux-lsp-browser/", import.meta.url);
// Its glue is for bundlers, which start the module before the last lines of the glue run.
const glue = fs
  .readFileSync(new URL("flux-lsp-browser_bg.js", folder), "utf8")
  .replace(
    /^import \* as wasm from .*$/m,
    `let wasm;
     export const start = (exports) => {
       wasm = exports;
       cachedInt32Memory0 = new Int32Array(wasm.memory.buffer);
       cachedUint8Memory0 = new Uint8Array(wasm.memory.buffer);
     };`,
  )
  .replace(/^cached\w+ = new \w+\(wasm\.memory\.buffer\);$/gm, "");
const bindings = await import("data:text/javascript;base64," + Buffer.from(glue).toString("base64"));
const module = await WebAssembly.compile(fs.readFileSync(new URL("flux-lsp-browser_bg.wasm", folder)));
const imports = {};
for (const wanted of WebAssembly.Module.imports(module)) {
  (imports[wanted.module] ??= {})[wanted.name] = bindings[wanted.name];
}
const { exports } = await WebAssembly.instantiate(module, imports);
bindings.start(exports);
exports.__wbindgen_start?.();

const texts = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => new bindings.Flux(text).is_valid())));
