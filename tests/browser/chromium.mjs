// A headless Chromium over a pipe, without packages: the DevTools protocol, one JSON message after another.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SWITCHES = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe",
];

// How long an answer may take, in milliseconds.
const PATIENCE = 60_000;

export class Chromium {
  // What the page did that nobody asked for: exceptions, words in the console, dialogs, requests.
  told = [];
  #next = 1;
  #waiting = new Map();
  #listeners = [];

  constructor(program) {
    this.folder = mkdtempSync(join(tmpdir(), "sr-pipe-browser-"));
    const switches = [...SWITCHES, `--user-data-dir=${this.folder}`, "about:blank"];
    this.child = spawn(program, switches, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.child.on("exit", () => this.#waiting.forEach(({ fail }) => fail(new Error("the browser has ended"))));
    let rest = "";
    this.child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      messages.forEach((message) => this.#take(JSON.parse(message)));
    });
  }

  // Opens a tab and listens to it.
  async begin() {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" }, false);
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true }, false);
    this.session = sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network", "Accessibility"]) await this.send(`${domain}.enable`);
  }

  send(method, params = {}, inTab = true) {
    const id = this.#next++;
    const message = { id, method, params, ...(inTab ? { sessionId: this.session } : {}) };
    this.child.stdio[3].write(JSON.stringify(message) + "\0");
    return new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error(`no answer to ${method}`)), PATIENCE);
      const settled = (end) => (value) => (clearTimeout(late), end(value));
      this.#waiting.set(id, { done: settled(done), fail: settled(fail) });
    });
  }

  #take(message) {
    const waiting = this.#waiting.get(message.id);
    if (waiting) {
      this.#waiting.delete(message.id);
      if (message.error) waiting.fail(new Error(message.error.message));
      else waiting.done(message.result);
      return;
    }
    const { method, params } = message;
    if (method === "Runtime.exceptionThrown") this.told.push(`exception: ${params.exceptionDetails.text}`);
    if (method === "Runtime.consoleAPICalled") this.told.push(`console.${params.type}`);
    if (method === "Log.entryAdded") this.told.push(`${params.entry.level}: ${params.entry.text}`);
    if (method === "Page.javascriptDialogOpening") {
      this.told.push(`dialog: ${params.message}`);
      this.send("Page.handleJavaScriptDialog", { accept: true });
    }
    if (method === "Network.requestWillBeSent" && params.type !== "Document") {
      this.told.push(`request: ${params.request.url}`);
    }
    this.#listeners = this.#listeners.filter(({ name, heard }) => name !== method || (heard(params), false));
  }

  once(name) {
    return new Promise((heard) => this.#listeners.push({ name, heard }));
  }

  async open(url) {
    const loaded = this.once("Page.loadEventFired");
    await this.send("Page.navigate", { url });
    await loaded;
  }

  // The value of an expression in the page.
  async value(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression, returnByValue: true, awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async press(key, code, text) {
    const virtual = { Enter: 13, Escape: 27, Tab: 9, " ": 32 }[key];
    const event = { key, code, windowsVirtualKeyCode: virtual, ...(text ? { text } : {}) };
    await this.send("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  async picture() {
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: false });
    return Buffer.from(data, "base64");
  }

  // Its helpers may still write into its folder for a moment after it has gone.
  async end() {
    this.child.removeAllListeners("exit");
    const gone = new Promise((done) => this.child.once("exit", done));
    this.send("Browser.close", {}, false).catch(() => {});
    await Promise.race([gone, new Promise((done) => setTimeout(done, 5_000).unref())]);
    this.child.kill("SIGKILL");
    await gone;
    this.#waiting.forEach(({ done }) => done());
    try {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    } catch (error) {
      console.error(`left behind: ${this.folder}: ${error.message}`);
    }
  }
}
