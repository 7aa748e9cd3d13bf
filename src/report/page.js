
"use strict";
// Tables sort by a click on a heading: figures from the best on, then the other way round, then
// as they were. What has no figure stays last.

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

function isTime(text) {
  return /^(?:(?:\d+m)?[\d.]+s|[\d.]+ ms)$/.test(text);
}

function compare(a, b, numeric) {
  if (!numeric) return a.localeCompare(b, "en", { numeric: true });
  return figure(a) - figure(b);
}

function order(rows, column, numeric, sign) {
  const text = (row) => row.cells[column].textContent.trim();
  const missing = (row) => (numeric ? Number.isNaN(figure(text(row))) : text(row) === "");
  return [...rows].sort((a, b) => missing(a) - missing(b) ||
    (missing(a) ? 0 : sign * compare(text(a), text(b), numeric)));
}

function makeSortable(table) {
  const body = table.tBodies[0], headings = table.tHead.rows[0].cells;
  const original = body ? [...body.rows] : [];
  if (original.length < 2) return;
  [...headings].forEach((heading, column) => {
    const numeric = heading.classList.contains("figure");
    const times = original.some((row) => isTime(row.cells[column].textContent.trim()));
    const first = numeric && !times ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const now = heading.getAttribute("aria-sort");
      const next = now === null ? first : now === first ? second : null;
      for (const other of headings) other.removeAttribute("aria-sort");
      if (next) heading.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      body.append(...(next ? order(original, column, numeric, sign) : original));
    });
  });
}

document.querySelectorAll("table").forEach(makeSortable);

// A box that scrolls can be reached by the keyboard, one that does not is passed over.
const boxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll(".table, .chart, pre").forEach((box) => boxes.observe(box));
