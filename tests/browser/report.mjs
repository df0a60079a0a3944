// Looks at a report in a real browser: node report.mjs CHROMIUM PAGE.html [FOLDER FOR PICTURES]
// Says what is wrong, one line each, and ends with 1 if anything is.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { Chromium } from "./chromium.mjs";

const [program, page, pictures] = process.argv.slice(2);
const url = pathToFileURL(page).href;
const browser = new Chromium(program);
const wrong = [];
const hold = (good, words) => good || wrong.push(words);
const picture = async (name) => pictures && writeFileSync(join(pictures, `${name}.png`), await browser.picture());
const media = (features, kind = "") =>
  browser.send("Emulation.setEmulatedMedia", {
    media: kind, features: Object.entries(features).map(([name, value]) => ({ name, value })),
  });
const width = (wide, high) =>
  browser.send("Emulation.setDeviceMetricsOverride", { width: wide, height: high, deviceScaleFactor: 1, mobile: false });

// The first column of the first table, and the values of its second column.
const ROWS = `(() => {
  const rows = [...document.querySelectorAll("#results table.sortable")[0].tBodies[0].rows];
  return { names: rows.map((row) => row.cells[0].textContent), values: rows.map((row) => row.cells[1].dataset.value ?? null) };
})()`;

// Text that cannot be told from its ground: WCAG 2, level AA.
const CONTRAST = `(() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.startsWith("rgba") || parts(colour)[3] === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("style, script, title, desc, metadata")) continue;
    const style = getComputedStyle(element);
    const svg = element.closest("svg");
    const under = svg?.querySelector("rect.ground");
    const back = under ? getComputedStyle(under).fill : ground(svg ?? element);
    const [a, b] = [light(svg ? style.fill : style.color), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.add(element.tagName + "." + element.getAttribute("class") + " " + ratio.toFixed(2) + ": " + texts.currentNode.textContent.trim().slice(0, 40));
  }
  return [...found];
})()`;

const FORM = `(() => {
  const wrong = [];
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id stands twice");
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) wrong.push("a link leads nowhere: " + link.hash);
  }
  for (const head of document.querySelectorAll("th")) if (!head.scope) wrong.push("a heading without a scope: " + head.textContent);
  for (const svg of document.querySelectorAll("svg")) if (!svg.getAttribute("aria-label")) wrong.push("a picture without words");
  if (document.documentElement.lang !== "en") wrong.push("no language");
  if (document.querySelectorAll("h1").length !== 1 || document.querySelectorAll("main").length !== 1) wrong.push("not one heading and one main part");
  const levels = [...document.querySelectorAll("body > h1, main h2, main h3, main h4")].map((heading) => Number(heading.tagName[1]));
  if (levels.some((level, at) => at > 0 && level > levels[at - 1] + 1)) wrong.push("a level of headings is left out");
  const scripts = [...document.scripts];
  if (scripts.length !== 1 || scripts[0].src) wrong.push(scripts.length + " scripts");
  return wrong;
})()`;

async function look() {
  await browser.begin();
  await width(1200, 900);
  await media({ "prefers-color-scheme": "light" });
  await browser.open(url);
  hold((await browser.value("document.title")).length > 0, "no title");
  wrong.push(...(await browser.value(FORM)));
  await picture("light");

  // Sorting, by keyboard and by mouse.
  const printed = await browser.value(ROWS);
  await browser.value(`document.querySelectorAll("#results th button")[1].focus()`);
  const sorted = `document.querySelectorAll("#results th")[0].closest("table").querySelectorAll("th[data-column]")[1].getAttribute("aria-sort")`;
  const rank = (values, sign) => {
    const numbers = values.filter((value) => value !== null).map(Number);
    const ordered = numbers.every((value, at) => at === 0 || sign * (value - numbers[at - 1]) >= 0);
    return ordered && values.indexOf(null) in { [-1]: 0, [numbers.length]: 0 };
  };
  await browser.press("Enter", "Enter", "\r");
  hold((await browser.value(sorted)) === "descending", "Enter on a heading does not sort from the highest");
  hold(rank((await browser.value(ROWS)).values, -1), "rows are not sorted from the highest, gaps last");
  await browser.press(" ", "Space", " ");
  hold((await browser.value(sorted)) === "ascending", "space on a heading does not turn the order");
  hold(rank((await browser.value(ROWS)).values, 1), "rows are not sorted from the lowest, gaps last");
  const place = await browser.value(`(() => { const box = document.querySelectorAll("#results th button")[1].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()`);
  for (const type of ["mousePressed", "mouseReleased"]) {
    await browser.send("Input.dispatchMouseEvent", { type, x: place[0], y: place[1], button: "left", clickCount: 1 });
  }
  hold((await browser.value(sorted)) === null, "a third time does not give back the order of the experiment");
  hold(JSON.stringify(await browser.value(ROWS)) === JSON.stringify(printed), "the order of the experiment is lost");

  // From a number to its runs, and back.
  await browser.value(`document.querySelector("#results td a.runs").focus()`);
  await browser.press("Enter", "Enter", "\r");
  hold(await browser.value("document.querySelector('dialog').open"), "Enter on a number does not open its runs");
  const shown = await browser.value("document.querySelector('dialog').innerText");
  for (const word of ["seed", "run", "git commit"]) hold(shown.includes(word), `the runs do not show \`${word}\``);
  hold(await browser.value("document.querySelector('dialog').contains(document.activeElement)"), "the focus is not in the dialog");
  await picture("runs-light");
  await media({ "prefers-color-scheme": "dark" });
  wrong.push(...(await browser.value(CONTRAST)).map((words) => `dark dialog, contrast: ${words}`));
  await picture("runs-dark");
  await browser.press("Escape", "Escape");
  hold(!(await browser.value("document.querySelector('dialog').open")), "Escape does not close the runs");
  hold(await browser.value("document.activeElement.matches('#results td a.runs')"), "the focus does not come back to the number");

  // Everything open, in both lights.
  await browser.value("document.querySelectorAll('details').forEach((one) => (one.open = true))");
  for (const scheme of ["dark", "light"]) {
    await media({ "prefers-color-scheme": scheme });
    wrong.push(...(await browser.value(CONTRAST)).map((words) => `${scheme}, contrast: ${words}`));
    await picture(scheme);
  }
  const { nodes } = await browser.send("Accessibility.getFullAXTree");
  const named = ["button", "link", "image", "img", "region", "dialog", "navigation"];
  for (const { role, name, ignored } of nodes) {
    hold(ignored || !named.includes(role?.value) || name?.value, `without a name: ${role?.value}`);
  }

  // On a phone only what scrolls by itself is wider than the screen.
  await width(360, 740);
  const wide = await browser.value("document.documentElement.scrollWidth");
  hold(wide <= 360, `${wide} pixels wide on a phone`);
  await picture("phone");
  await browser.value("document.querySelector('#results table').scrollIntoView()");
  await picture("phone-table");
  await width(1200, 900);

  // A link to a cell opens it.
  await browser.open("about:blank");
  await browser.open(`${url}#cell-0`);
  hold(await browser.value("document.getElementById('cell-0').open"), "a link to a cell does not open it");

  // On paper: no controls.
  await media({}, "print");
  hold(!(await browser.value("document.getElementById('cells').checkVisibility()")), "cells are printed");
  hold(await browser.value("document.querySelector('#results table').checkVisibility()"), "tables are not printed");
  await picture("print");
  await media({});

  // Without a script every number is there.
  await browser.send("Emulation.setScriptExecutionDisabled", { value: true });
  await browser.open("about:blank");
  await browser.open(url);
  hold((await browser.value("document.querySelectorAll('th button').length")) === 0, "the script ran where none may");
  hold(JSON.stringify(await browser.value(ROWS)) === JSON.stringify(printed), "without a script the table is another");
  hold((await browser.value("document.querySelectorAll('details.cell').length")) > 0, "without a script there are no runs");

  wrong.push(...browser.told);
}

try {
  await look();
} catch (error) {
  wrong.push(`the look ended early: ${error.message}`);
} finally {
  await browser.end();
}
wrong.forEach((words) => console.log(words));
process.exitCode = wrong.length > 0 ? 1 : 0;
