// Keeps a page of a run under way up to date: fetches it again every two seconds and puts the new content in place of the
// old, without losing what was opened or where the keyboard is. Nothing here but the page itself is ever fetched.
"use strict";

const PAUSE = 2000;
const pulse = document.getElementById("pulse");

function keep(older, newer) {
  for (const details of older.querySelectorAll("details[id]")) {
    const twin = newer.querySelector(`details[id="${CSS.escape(details.id)}"]`);
    if (twin) twin.open = details.open;
  }
}

function placeOf(root, element) {
  const all = [...root.querySelectorAll("a, summary, pre")];
  return all.indexOf(element);
}

async function refresh() {
  const main = document.querySelector("main");
  if (!main || !("live" in main.dataset)) {
    pulse.textContent = "";
    return;
  }
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const newer = page.querySelector("main");
    if (newer) {
      const focused = placeOf(main, document.activeElement);
      keep(main, newer);
      main.replaceWith(newer);
      if (focused >= 0) newer.querySelectorAll("a, summary, pre")[focused]?.focus({ preventScroll: true });
    }
    pulse.textContent = "· up to date";
  } catch {
    pulse.textContent = "· sr-pipe serve has ended";
  }
  setTimeout(refresh, PAUSE);
}

setTimeout(refresh, PAUSE);
