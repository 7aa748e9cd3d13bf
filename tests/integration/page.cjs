// The page of `report --format html` in a browser: what it shows first, its choice and the address,
// sorting, three widths, both schemes, and that it asks nobody for anything.
//
//   page PROGRAM      (the script beside this one finds the browser)
"use strict";
const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");

const run = (pp, tg, depth = 0) => [0.99, 1, 1.01].map((f) =>
  ({ depth, pp_tps: pp * f, tg_tps: tg * f, prompt_ms: 6e5 / (pp * f), valid: true }));
const cell = (label, quantization, backend, pp, tg, load) => ({
  model: { id: label.replace(/ /g, "-"), label, file_size: "~4 GiB", quantization },
  backend: { id: backend.replace(/ /g, "-"), label: backend },
  status: pp ? "ok" : "failed",
  reason: pp ? null : "server died",
  load_s: load,
  runs: pp ? [...run(pp, tg), ...run(pp / 2, tg / 2, 4096)] : [],
});
const results = {
  schema: "stratobench/1",
  bench: { title: "A title", runs: 3, n_predict: 128, ctx: 8192, depths: [0, 4096] },
  host: { hardware: "A machine with a name that is rather long, as the names of machines are" },
  cells: [
    cell("model 2", "Q8_0", "Fast one", 1000, 50, 3.2), cell("model 2", "Q8_0", "CPU", 10, 5, 101),
    cell("Model 10", "Q4_0", "Fast one", 2000, 80, 3), cell("Model 10", "Q4_0", "CPU", 40, 20, 1),
    cell("broken", "Q8_0", "Fast one", 0, 0), cell("broken", "Q8_0", "CPU", 20, 30, 2),
  ],
};

const three = { ...results, cells: [
  cell("model 2", "Q8_0", "Fast one", 1000, 50, 3.2), cell("model 2", "Q8_0", "Middle", 500, 25, 3),
  cell("model 2", "Q8_0", "CPU", 250, 12.5, 101),
] };

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "page."));
const address = `file://${folder}/r.html`;

async function open(browser, query = "", options = {}, of = address) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10000);
  page.asked = [];
  page.on("request", (request) => page.asked.push(request.url()));
  page.on("pageerror", (error) => { throw error; });
  await page.goto(of + query);
  return page;
}

const rows = (page) => page.$$eval(".matrix tbody tr", (all) => all.filter((r) => !r.hidden)
  .map((r) => r.querySelector("th a").textContent));
const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const asMade = ["model 2", "Model 10", "broken"];

const tests = {
  async "the verdict and the winner are on the first screen"(browser) {
    for (const [width, height] of [[390, 844], [820, 1180], [1400, 900]]) {
      const page = await open(browser, "", { viewport: { width, height } });
      assert.ok(!await wide(page), `${width}: the page scrolls sideways`);
      for (const place of [".verdict", ".matrix .winner b"]) {
        const box = await page.locator(place).first().boundingBox();
        assert.ok(box.y + box.height < height, `${width}: ${place} is below the first screen`);
      }
      for (const figure of await page.locator(".matrix .tg[data-value]").all()) {
        const box = await figure.boundingBox();
        assert.ok(box.width > 0 && box.x >= 0 && box.x + box.width <= width, `${width}: TG is cut off`);
      }
    }
  },

  async "it asks nobody for anything"(browser) {
    const page = await open(browser);
    await page.click("#model-2 summary");
    assert.deepStrictEqual(page.asked, [address]);
  },

  async "the matrix sorts, and the address says how"(browser) {
    const page = await open(browser);
    const click = (name) => page.getByRole("button", { name, exact: true }).click();
    assert.deepStrictEqual(await rows(page), asMade);
    await click("TG of CPU");
    assert.deepStrictEqual(await rows(page), ["broken", "Model 10", "model 2"]);
    assert.strictEqual(new URL(page.url()).searchParams.get("sort"), "-TG of CPU");
    await click("TG of CPU");
    assert.deepStrictEqual(await rows(page), ["model 2", "Model 10", "broken"]);
    await click("TG of Fast one"); // what has no figure stays last
    assert.deepStrictEqual(await rows(page), ["Model 10", "model 2", "broken"]);
    await page.reload();
    assert.deepStrictEqual(await rows(page), ["Model 10", "model 2", "broken"]);
    await click("TG of Fast one");
    assert.deepStrictEqual(await rows(page), ["model 2", "Model 10", "broken"]);
    await click("TG of Fast one");
    assert.deepStrictEqual(await rows(page), asMade);
    await click("Model");
    assert.deepStrictEqual(await rows(page), ["broken", "model 2", "Model 10"]);
  },

  async "the whole heading is the button"(browser) {
    const page = await open(browser);
    for (const heading of await page.locator(".matrix th.sortable").all()) {
      const cell = await heading.boundingBox(), button = await heading.locator("button").boundingBox();
      assert.ok(button.width > cell.width - 2, "narrower than its cell");
    }
  },

  async "a row without its model, and seconds beside tok/s, sort nowhere"(browser) {
    const page = await open(browser);
    const sortable = await page.$$eval("table", (all) => all
      .filter((t) => [...t.tBodies[0].rows].some((r) => r.cells[0].textContent.trim() === ""))
      .map((t) => t.querySelectorAll("button").length));
    assert.ok(sortable.length > 0 && sortable.every((n) => n === 0));
  },

  async "a table of a model sorts by time, the least first"(browser) {
    const page = await open(browser, "#model-2");
    assert.ok(await page.locator("#model-2").evaluate((d) => d.open), "the linked model is folded");
    const table = page.locator("#model-2 table").first();
    const backends = () => table.locator("tbody th").allTextContents();
    await table.getByRole("button", { name: "Load" }).click();
    assert.deepStrictEqual(await backends(), ["Fast one", "CPU"]);
    await table.getByRole("button", { name: "Load" }).click();
    assert.deepStrictEqual(await backends(), ["CPU", "Fast one"]);
  },

  async "models are filtered by words and by quantization"(browser) {
    const page = await open(browser);
    await page.keyboard.press("/");
    await page.keyboard.type("MODEL 1");
    assert.deepStrictEqual(await rows(page), ["Model 10"]);
    assert.ok(await page.locator("#model-2").isHidden());
    assert.match(await page.locator(".choice output").textContent(), /1 of 3/);
    await page.fill("input[type=search]", "");
    await page.selectOption("[name=quantization]", "Q8_0");
    assert.deepStrictEqual(await rows(page), ["model 2", "broken"]);
    await page.reload();
    assert.deepStrictEqual(await rows(page), ["model 2", "broken"]);
  },

  async "a backend can be left out, everywhere"(browser) {
    const page = await open(browser, "#model-2");
    await page.getByRole("button", { name: "CPU", exact: true }).click();
    assert.strictEqual(await page.locator(".matrix [data-backend='1']:visible").count(), 0);
    assert.deepStrictEqual(await page.locator("#model-2 table").first().locator("tbody tr:visible th")
      .allTextContents(), ["Fast one"]);
    await page.reload();
    assert.strictEqual(await page.locator(".matrix [data-backend='1']:visible").count(), 0);
    await page.getByRole("button", { name: "CPU", exact: true }).click();
    assert.ok(await page.locator(".matrix [data-backend='1']:visible").count() > 0);
  },

  async "without the winner the fastest of those shown is named, and called that"(browser) {
    const page = await open(browser, "", {}, `file://${folder}/three.html`);
    const winner = () => page.locator(".matrix .winner").first().textContent();
    const press = (name) => page.getByRole("button", { name, exact: true }).click();
    const made = await winner();
    assert.match(made, /^Fast one2\.0/);
    await press("CPU"); // neither the winner nor the second
    assert.strictEqual(await winner(), made);
    await press("CPU");
    await press("Fast one");
    assert.strictEqual(await winner(), "Middleof those shown; 2.00× as fast as CPU");
    await press("CPU");
    assert.strictEqual(await winner(), "Middlethe only one shown that finished");
    await press("Middle");
    assert.strictEqual(await winner(), "—none of those shown finished");
    for (const name of ["CPU", "Fast one", "Middle"]) await press(name);
    assert.strictEqual(await winner(), made);
  },

  async "where the headings are not shown a list sorts"(browser) {
    const page = await open(browser, "?theme=light", { viewport: { width: 390, height: 844 } });
    assert.ok(await page.locator(".matrix thead").isHidden() || await page.locator(".matrix th.sortable:visible").count() === 0);
    await page.selectOption("[name=sort]", "-TG of CPU");
    assert.deepStrictEqual(await rows(page), ["broken", "Model 10", "model 2"]);
    await page.selectOption("[name=sort]", "");
    assert.deepStrictEqual(await rows(page), asMade);
    const wide = await open(browser);
    assert.ok(await wide.locator("[name=sort]").isHidden());
  },

  async "others are shown as a percentage of a baseline"(browser) {
    const page = await open(browser);
    const figures = () => page.locator(".matrix tbody tr").first().locator(".figure span").allTextContents();
    assert.deepStrictEqual(await figures(), ["50.0", "1000.0", "5.0", "10.0"]);
    await page.selectOption("[name=baseline]", "CPU");
    assert.deepStrictEqual(await figures(), ["1000 %", "10000 %", "5.0", "10.0"]);
    await page.selectOption("[name=baseline]", "");
    assert.deepStrictEqual(await figures(), ["50.0", "1000.0", "5.0", "10.0"]);
  },

  async "dark and light, by the system and by the switch"(browser) {
    const light = "rgb(255, 255, 255)", dark = "rgb(13, 17, 23)";
    for (const [colorScheme, own, other, theme] of [["light", light, dark, "dark"], ["dark", dark, light, "light"]]) {
      const page = await open(browser, "", { colorScheme });
      assert.strictEqual(await ground(page), own);
      await page.selectOption("[name=theme]", theme);
      assert.strictEqual(await ground(page), other);
      assert.match(page.url(), new RegExp(`theme=${theme}`));
    }
  },

  async "without scripts everything is there, and no control that does nothing"(browser) {
    const page = await open(browser, "", { javaScriptEnabled: false });
    const text = await page.locator("body").textContent();
    for (const word of ["A title", "model 2", "Model 10", "server died", "TTFT", "Run 1: pp=990.00"])
      assert.ok(text.includes(word), word);
    assert.strictEqual(await page.locator("button, select, input").count(), 0);
    await page.locator("#model-2 > summary").click();
    assert.ok(await page.locator("#model-2 table").first().isVisible());
  },

  async "it prints every model"(browser) {
    const page = await open(browser);
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print" });
    for (const id of ["model-2", "model-10", "broken"])
      assert.ok(await page.locator(`#${id} table`).first().isVisible(), id);
    assert.ok(await page.locator(".choice").isHidden());
  },

  async "nothing keeps readers out"(browser) {
    for (const colorScheme of ["light", "dark"]) for (const width of [390, 1400]) {
      const page = await open(browser, "#model-2", { colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
      await page.addScriptTag({ path: axe });
      const found = (await page.evaluate(() => window.axe.run())).violations
        .filter((v) => ["serious", "critical"].includes(v.impact));
      assert.deepStrictEqual(found.map((v) => `${colorScheme} ${width}: ${v.id}: ${v.nodes[0].html}`), []);
    }
  },
};

(async () => {
  for (const [name, content] of Object.entries({ r: results, three })) {
    const stem = path.join(folder, name);
    fs.writeFileSync(`${stem}.json`, JSON.stringify(content));
    execFileSync(process.argv[2], ["report", `${stem}.json`, "--format", "html", "-o", `${stem}.html`]);
  }
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    if (!name.includes(process.env.TEST_FILTER ?? "")) continue;
    try {
      await test(browser);
      console.log(`ok: ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED: ${name}\n${error.stack ?? error}`);
    }
    for (const context of browser.contexts()) await context.close();
  }
  await browser.close();
  fs.rmSync(folder, { recursive: true });
  process.exit(failed ? 1 : 0);
})();
