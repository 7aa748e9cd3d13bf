// The page of `report --format html` in a DOM: its tables sort by a click, and boxes that scroll
// can be reached by the keyboard. Exits with 77, skipped, where jsdom is not installed.
//
//   node page.cjs PROGRAM
"use strict";
const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

let JSDOM, VirtualConsole;
try {
  ({ JSDOM, VirtualConsole } = require("jsdom"));
} catch {
  console.log("skipped: no jsdom");
  process.exit(77);
}

const cell = (label, size, load, pp, tg) => ({
  model: { id: label.replace(" ", "-"), label, file_size: size },
  backend: { id: "b", label: "B" },
  status: pp ? "ok" : "failed",
  reason: pp ? null : "server died",
  load_s: load,
  runs: pp ? [0.99, 1, 1.01].map((f) =>
    ({ pp_tps: pp * f, tg_tps: tg * f, prompt_ms: 6e5 / (pp * f), valid: true })) : [],
});

function render(program) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "page."));
  try {
    const results = path.join(folder, "r.json"), page = path.join(folder, "r.html");
    fs.writeFileSync(results, JSON.stringify({
      schema: "stratobench/1",
      bench: { title: "T", layout: "table", runs: 3, n_predict: 128, ctx: 8192 },
      cells: [
        cell("model 2", "800 MiB", 101, 9.5, 30),
        cell("Model 10", "~75 GiB", 3.2, 172.8, 2.9),
        cell("broken", "~2 GiB", null, 0, 0),
        cell("model 1", null, 62, 40, 100),
      ],
    }));
    execFileSync(program, ["report", results, "--format", "html", "-o", page]);
    return fs.readFileSync(page, "utf8");
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const boxes = []; // what the page watches, and whom it wants told
function open(html) {
  const virtualConsole = new VirtualConsole();
  virtualConsole.on("jsdomError", (error) => { throw error; });
  return new JSDOM(html, {
    runScripts: "dangerously",
    virtualConsole,
    beforeParse(window) { // jsdom lays nothing out
      window.ResizeObserver = class {
        constructor(tell) { this.tell = tell; }
        observe(target) { boxes.push({ target, tell: this.tell }); }
      };
    },
  }).window.document;
}

const document = open(render(process.argv[2]));
const tableOf = (name) => [...document.querySelectorAll("table")]
  .find((t) => [...t.tHead.rows[0].cells].some((h) => h.textContent.trim() === name));
const headingIn = (t, name) =>
  [...t.tHead.rows[0].cells].find((h) => h.textContent.trim() === name);
const modelsOf = (t) => [...t.tBodies[0].rows].map((r) => r.cells[0].textContent.trim());
const table = tableOf("PP (tok/s)");
const heading = (name) => headingIn(table, name);
const models = () => modelsOf(table);
const sorted = () =>
  [...table.tHead.rows[0].cells].filter((h) => h.hasAttribute("aria-sort"))
    .map((h) => `${h.textContent.trim()} ${h.getAttribute("aria-sort")}`);

const asMade = ["model 2", "Model 10", "broken", "model 1"];
assert.deepStrictEqual(models(), asMade);
assert.deepStrictEqual(sorted(), []);

// Every column: the first click, the second; the third brings back the order as it was.
const columns = {
  "PP (tok/s)": ["descending", ["Model 10", "model 1", "model 2", "broken"],
    ["model 2", "model 1", "Model 10", "broken"]],
  "TG (tok/s)": ["descending", ["model 1", "model 2", "Model 10", "broken"],
    ["Model 10", "model 2", "model 1", "broken"]],
  Load: ["ascending", ["Model 10", "model 1", "model 2", "broken"],
    ["model 2", "model 1", "Model 10", "broken"]],
  Size: ["descending", ["Model 10", "broken", "model 2", "model 1"],
    ["model 2", "broken", "Model 10", "model 1"]],
  Model: ["ascending", ["broken", "model 1", "model 2", "Model 10"],
    ["Model 10", "model 2", "model 1", "broken"]],
};
for (const [name, [first, once, twice]] of Object.entries(columns)) {
  const button = heading(name).querySelector("button");
  const second = first === "ascending" ? "descending" : "ascending";
  button.click();
  assert.deepStrictEqual(models(), once, `${name} once`);
  assert.deepStrictEqual(sorted(), [`${name} ${first}`]);
  button.click();
  assert.deepStrictEqual(models(), twice, `${name} twice`);
  assert.deepStrictEqual(sorted(), [`${name} ${second}`]);
  button.click();
  assert.deepStrictEqual(models(), asMade, `${name} three times`);
  assert.deepStrictEqual(sorted(), []);
}

// A click on another column begins anew there.
heading("PP (tok/s)").querySelector("button").click();
heading("Load").querySelector("button").click();
assert.deepStrictEqual(sorted(), ["Load ascending"]);

// Less is better for times, however they are written.
headingIn(tableOf("TTFT"), "TTFT").querySelector("button").click();
assert.deepStrictEqual(modelsOf(tableOf("TTFT")), ["Model 10", "model 1", "model 2"]);

const { target, tell } = boxes.find((b) => b.target.contains(table));
for (const [width, index] of [[200, 0], [50, -1]]) {
  Object.defineProperty(target, "scrollWidth", { value: width, configurable: true });
  Object.defineProperty(target, "clientWidth", { value: 100, configurable: true });
  tell([{ target }]);
  assert.strictEqual(target.tabIndex, index);
}
console.log("page: ok");
