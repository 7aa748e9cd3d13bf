
"use strict";
// What the page adds where scripts run: a choice of what is shown, kept in the address; tables that
// sort; folded models that open when they are linked to. Without it everything is there to read.

const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/* ---- the choice: what the address says after "?" */

const choice = new URLSearchParams(location.search);
function choose(name, value) {
  if (value) choice.set(name, value);
  else choice.delete(name);
  const query = choice.toString();
  try {
    history.replaceState(null, "", `${location.pathname}${query && "?"}${query}${location.hash}`);
  } catch { /* in a frame that must not: the choice holds all the same */ }
  apply();
}

/* ---- figures and their order */

const scale = {
  K: 1e3, M: 1e6, B: 1e9, T: 1e12,
  kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
  KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4,
};

// "1m41s" and "3.2s" in seconds; "172.8 \u00b12.9 \u00b9", "~75 GiB", "84 %", "139B" as numbers;
// anything else NaN.
function figure(text) {
  const time = /^(?:(\d+)m)?([\d.]+)s$/.exec(text);
  if (time) return 60 * (time[1] || 0) + Number(time[2]);
  const number = /^~?(-?[\d.]+)(?: ?([KMGT]i?B|kB|[KMBT])\b)?/.exec(text);
  return number ? Number(number[1]) * (scale[number[2]] || 1) : NaN;
}
const isTime = (text) => /^(?:(?:\d+m)?[\d.]+ ?m?s)$/.test(text);

// The cell at a column, also behind cells that are two columns wide.
function cellAt(row, column) {
  for (const cell of row.cells) {
    if (column < cell.colSpan) return cell;
    column -= cell.colSpan;
  }
  return null;
}
const textOf = (cell) => (cell ? cell.textContent.trim() : "");
const valueOf = (cell) => Number(cell?.dataset.shown ?? cell?.dataset.value ?? figure(textOf(cell)));

function ordered(rows, column, numeric, sign) {
  const missing = (cell) => (numeric ? Number.isNaN(valueOf(cell)) : textOf(cell) === "");
  return rows.map((row) => ({ row, cell: cellAt(row, column) })).sort((a, b) =>
    missing(a.cell) - missing(b.cell) || (missing(a.cell) ? 0 : sign * (numeric
      ? valueOf(a.cell) - valueOf(b.cell)
      : textOf(a.cell).localeCompare(textOf(b.cell), "en", { numeric: true }))))
    .map(({ row }) => row);
}

/* ---- tables that sort: a table whose rows name themselves, by columns of one kind of figure */

function headingsOf(table) {
  const [first, second] = table.tHead.rows;
  return second ? [...[...first.cells].filter((h) => h.rowSpan > 1), ...second.cells]
    : [...first.cells];
}

function makeSortable(table) {
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  if (rows.length < 2 || rows.some((row) => textOf(row.cells[0]) === "")) return;
  headingsOf(table).forEach((heading, column) => {
    const numeric = heading.classList.contains("figure");
    const filled = rows.map((row) => textOf(cellAt(row, column))).filter((text) => /\d/.test(text));
    const times = filled.some(isTime);
    if (numeric && times && !filled.every(isTime)) return;
    const button = make("button", { type: "button" }, ...heading.childNodes);
    const backend = heading.dataset.backend;
    const name = backend === undefined ? textOf(button)
      : `${textOf(button)} of ${textOf(table.querySelector(`.backend[data-backend="${backend}"]`))}`;
    button.setAttribute("aria-label", name); // without the arrow
    heading.append(button);
    heading.classList.add("sortable");
    heading.sortName = name;
    heading.signs = numeric && !times ? ["-", ""] : ["", "-"]; // the best first
    heading.sort = (direction) => {
      for (const other of headingsOf(table)) other.removeAttribute("aria-sort");
      if (direction !== null)
        heading.setAttribute("aria-sort", direction === "-" ? "descending" : "ascending");
      table.tBodies[0].append(...(direction === null ? rows
        : ordered(rows, column, numeric, direction === "-" ? -1 : 1)));
    };
    button.addEventListener("click", () => {
      const now = { descending: "-", ascending: "" }[heading.getAttribute("aria-sort")];
      const next = now === undefined ? heading.signs[0]
        : now === heading.signs[0] ? heading.signs[1] : null;
      if (table.classList.contains("matrix")) choose("sort", next === null ? "" : next + name);
      else heading.sort(next);
    });
  });
}

/* ---- what the choice does */

const matrices = $$(".matrix");
const backendsOf = (matrix) => $$(".backend", matrix).map((h) => ({ name: textOf(h), number: h.dataset.backend }));
const backends = [...new Set(matrices.flatMap((m) => backendsOf(m).map((b) => b.name)))];

function applyTheme() {
  const theme = choice.get("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function showAsPercent(matrix, base) {
  matrix.classList.toggle("percent", base !== undefined);
  for (const row of matrix.tBodies[0].rows) for (const metric of ["tg", "pp"]) {
    const standard = base && row.querySelector(`.${metric}[data-backend="${base}"]`)?.dataset.value;
    for (const cell of $$(`.${metric}[data-value]`, row)) {
      const span = cell.querySelector("span");
      span.dataset.tps ??= span.textContent;
      const other = base !== undefined && cell.dataset.backend !== base;
      cell.classList.toggle("percent", other);
      const percent = 100 * cell.dataset.value / standard;
      if (other) cell.dataset.shown = percent;
      else delete cell.dataset.shown;
      span.textContent = !other ? span.dataset.tps
        : !standard ? "\u2014" : `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
    }
  }
}

function applyRows(matrix) {
  const words = (choice.get("find") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const quantization = choice.get("quantization");
  for (const row of matrix.tBodies[0].rows) {
    const text = textOf(row.cells[0]).toLowerCase();
    row.hidden = !words.every((word) => text.includes(word)) ||
      (quantization !== null && row.dataset.quantization !== quantization);
    const model = document.getElementById(row.querySelector("a").hash.slice(1));
    if (model) model.hidden = row.hidden;
  }
}

// The columns of the matrix, and in all other tables the rows that name the backend.
function applyBackends(section, matrix) {
  const without = choice.getAll("without");
  for (const { name, number } of backendsOf(matrix))
    for (const cell of $$(`[data-backend="${number}"]`, matrix)) cell.hidden = without.includes(name);
  for (const table of $$(".model table", section)) {
    const column = headingsOf(table).findIndex((h) => textOf(h) === "Backend");
    if (column >= 0) for (const row of table.tBodies[0].rows)
      row.hidden = without.includes(textOf(cellAt(row, column)));
  }
}

// The verdict is over all backends; where its winner or second is left out, the fastest of the others
// is told, which no test of doubt stands behind.
function applyWinner(matrix) {
  const without = new Set(choice.getAll("without"));
  for (const row of matrix.tBodies[0].rows) {
    const winner = row.querySelector(".winner");
    if (!winner) return;
    winner.made ??= [...winner.childNodes];
    const times = $$("[data-time]", row).map((cell) => ({ name: cell.dataset.name, time: Number(cell.dataset.time) }))
      .sort((a, b) => a.time - b.time);
    const shown = times.filter(({ name }) => !without.has(name)), [first, second] = shown;
    const touched = times.slice(0, 2).some(({ name }) => without.has(name));
    winner.classList.toggle("shown", touched);
    if (!touched) { winner.replaceChildren(...winner.made); continue; }
    const dot = $$(".backend b", matrix).find((b) => textOf(b) === first?.name);
    const ratio = second && second.time / first.time;
    winner.replaceChildren(first ? dot.cloneNode(true) : "\u2014", make("small", { textContent:
      !first ? "none of those shown finished" : !second ? "the only one shown that finished"
        : `of those shown; ${ratio.toFixed(ratio < 9.995 ? 2 : 1)}\u00d7 as fast as ${second.name}` }));
  }
}

function applySort(matrix) {
  const sort = choice.get("sort") ?? "";
  const headings = headingsOf(matrix).filter((h) => h.sort);
  const chosen = headings.find((h) => h.sortName === sort.replace(/^-/, ""));
  if (chosen) chosen.sort(sort.startsWith("-") ? "-" : "");
  else headings[0]?.sort(null);
}

const said = make("output");
function apply() {
  applyTheme();
  for (const matrix of matrices) {
    const section = matrix.closest("section");
    applyRows(matrix);
    applyBackends(section, matrix);
    applyWinner(matrix);
    showAsPercent(matrix, backendsOf(matrix).find((b) => b.name === choice.get("baseline"))?.number);
    applySort(matrix);
  }
  const rows = matrices.flatMap((m) => [...m.tBodies[0].rows]), shown = rows.filter((r) => !r.hidden);
  const message = shown.length < rows.length ? `${shown.length} of ${rows.length} models` : "";
  if (said.value !== message) said.value = message;
}

/* ---- its controls */

function select(name, label, options) {
  const box = make("select", { name }, ...options.map(([value, text]) => new Option(text, value)));
  box.value = choice.get(name) ?? "";
  if (box.selectedIndex < 0) box.value = "";
  box.addEventListener("change", () => choose(name, box.value));
  return make("label", { className: name }, label, box);
}

function backendButtons() {
  const group = make("fieldset", {}, make("legend", { textContent: "Backends" }));
  for (const name of backends) {
    const dot = $$(".backend b").find((b) => textOf(b) === name).className;
    const button = make("button", { type: "button", className: dot, textContent: name });
    const show = () => button.setAttribute("aria-pressed", String(!choice.getAll("without").includes(name)));
    show();
    button.addEventListener("click", () => {
      const without = choice.getAll("without");
      choice.delete("without");
      for (const other of without.includes(name) ? without.filter((w) => w !== name) : [...without, name])
        choice.append("without", other);
      choose("", "");
      show();
    });
    group.append(button);
  }
  return group;
}

function controls() {
  const form = make("div", { className: "choice" });
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "What is shown");
  const rows = matrices.flatMap((m) => [...m.tBodies[0].rows]);
  const quantizations = [...new Set(rows.map((r) => r.dataset.quantization).filter(Boolean))].sort();
  if (rows.length > 2) {
    const find = make("input", { type: "search", name: "find", placeholder: "Filter models ( / )", value: choice.get("find") ?? "" });
    find.setAttribute("aria-label", "Filter models");
    find.addEventListener("input", () => choose("find", find.value.trim()));
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
      event.preventDefault();
      find.focus();
    });
    form.append(make("label", {}, find));
  }
  if (quantizations.length > 1)
    form.append(select("quantization", "Quant", [["", "all"], ...quantizations.map((q) => [q, q])]));
  if (backends.length > 1) form.append(
    select("baseline", "Show", [["", "tok/s"], ...backends.map((b) => [b, `% of ${b}`])]),
    backendButtons());
  const sorts = [...new Set(matrices.flatMap((m) => headingsOf(m).filter((h) => h.sort)
    .map((h) => h.signs[0] + h.sortName)))];
  if (sorts.length) // where the headings are not shown
    form.append(select("sort", "Sort by", [["", "as given"], ...sorts.map((s) => [s, s.replace(/^-/, "")])]));
  form.append(said, select("theme", "Theme", [["", "auto"], ["light", "light"], ["dark", "dark"]]));
  const fold = make("details", { open: matchMedia("(min-width: 44.01rem)").matches || choice.toString() !== "" },
    make("summary", { textContent: "Filter and compare" }), form);
  fold.className = "fold";
  matrices[0]?.closest(".table").before(fold);
}

/* ---- folded models, scrolling boxes, paper */

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.localName !== "details") return;
  target.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
document.addEventListener("click", (event) => { // also when the address holds that model already
  const link = event.target.closest?.("a[href^='#']");
  if (link && link.hash === location.hash) openTarget();
});

const folded = [];
addEventListener("beforeprint", () => {
  for (const model of $$(".model:not([open])")) { model.open = true; folded.push(model); }
});
addEventListener("afterprint", () => { for (const model of folded.splice(0)) model.open = false; });

$$("table").forEach(makeSortable);
controls();
apply();
openTarget();

// A box that scrolls can be reached by the keyboard, one that does not is passed over.
const boxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
$$(".table, .chart, pre").forEach((box) => boxes.observe(box));
