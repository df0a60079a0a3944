"use strict";
// Columns sort: once, the other way, and back to the order of the experiment. What has no number stays at the end.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const printed = [...body.rows].filter((row) => !row.classList.contains("apart"));
  const heads = [...table.querySelectorAll("thead th[data-column]")];
  for (const head of heads) {
    // Without a number in it there is nothing to sort a column of numbers by.
    const at = Number(head.dataset.column);
    const number = head.classList.contains("number");
    if (number && !printed.some((row) => row.cells[at].dataset.value)) continue;
    const title = head.querySelector(".title");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title.textContent;
    button.setAttribute("aria-label", `${head.dataset.name}, sort by it`);
    title.replaceWith(button);
    button.addEventListener("click", () => {
      const key = (row) => row.cells[at].dataset.value ?? (head.classList.contains("number") ? null : row.cells[at].textContent);
      const numbers = head.classList.contains("number");
      const orders = numbers ? ["descending", "ascending"] : ["ascending", "descending"];
      const now = head.getAttribute("aria-sort");
      const next = now === orders[0] ? orders[1] : now === orders[1] ? null : orders[0];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      const way = next === "descending" ? -1 : 1;
      const order = (one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === null || b === null) return (a === null) - (b === null);
        return way * (numbers ? Number(a) - Number(b) : a.localeCompare(b, "en"));
      };
      body.append(...(next ? [...printed].sort(order) : printed));
    });
  }
}
// A number opens what it comes from, without losing the place in its table.
const dialog = document.getElementById("runs");
const shown = dialog.querySelector("div");
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.runs");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const cell = document.getElementById(link.hash.slice(1));
  const [summary, ...parts] = cell.children;
  const heading = document.createElement("h2");
  heading.id = "runs-title";
  heading.textContent = summary.textContent;
  shown.replaceChildren(heading, ...parts.map((part) => part.cloneNode(true)));
  event.preventDefault();
  dialog.showModal();
  dialog.scrollTop = 0;
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
// A link to a cell opens it.
const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
};
addEventListener("hashchange", reveal);
reveal();
