"use strict";
// What the browser keeps, and how ratings reach the server: nothing leaves the queue before the server has it.

/** Keeps JSON under names in localStorage; in memory only where the browser forbids that. */
class Keeper {
  constructor(prefix) {
    this.prefix = prefix;
    this.memory = new Map();
    this.lasting = true;
    try {
      localStorage.setItem("descant/probe", "1");
      localStorage.removeItem("descant/probe");
    } catch {
      this.lasting = false;
    }
  }

  get(name, otherwise) {
    try {
      const text = this.lasting ? localStorage.getItem(this.prefix + name) : this.memory.get(name);
      return text == null ? otherwise : JSON.parse(text);
    } catch {
      return otherwise;
    }
  }

  set(name, value) {
    const text = JSON.stringify(value);
    this.memory.set(name, text);
    try {
      if (this.lasting) localStorage.setItem(this.prefix + name, text);
    } catch {
      this.lasting = false;
      // what was kept so far is read from memory from now on
      for (const key of Object.keys(localStorage)) {
        const own = key.startsWith(this.prefix) && key.slice(this.prefix.length);
        if (own && !this.memory.has(own)) this.memory.set(own, localStorage.getItem(key));
      }
    }
  }
}

const LONGEST_WAIT = 30000;

/** Sends ratings one after another, each until the server has it; survives reloads. */
class SaveQueue {
  /**
   * @param storage where it is kept
   * @param send gives {done}, {latest} when another value holds the revision, {refused: why}, or throws: no answer
   * @param notify is called with {waiting, refused, retryIn} whenever something changed
   * @param raise is called with (rating, latest) and gives the rating under a revision that is free, or null
   */
  constructor(storage, send, notify, raise) {
    Object.assign(this, {storage, send, notify, raise, busy: false, wait: 0, timer: null, refused: []});
    addEventListener("online", () => this.flush());
  }

  get items() {
    return this.storage.get("queue", []);
  }

  add(rating) {
    this.storage.set("queue", [...this.items, rating]);
    this.flush();
  }

  _drop(rating) {
    const same = (other) => ["page", "scale", "revision"].every((key) => other[key] === rating[key]);
    this.storage.set("queue", this.items.filter((other) => !same(other)));
  }

  async flush() {
    clearTimeout(this.timer);
    if (this.busy) return;
    this.busy = true;
    let retryIn = null;
    while (this.items.length && retryIn === null) {
      const rating = this.items[0];
      this.notify({waiting: this.items.length, refused: this.refused, retryIn: null});
      try {
        const answer = await this.send(rating);
        this.wait = 0;
        const raised = answer.latest ? this.raise(rating, answer.latest) : null;
        if (raised) this.storage.set("queue", [...this.items, raised]);
        if (answer.refused) this.refused.push(answer.refused);
        this._drop(rating);
      } catch {
        this.wait = Math.min(LONGEST_WAIT, this.wait ? this.wait * 2 : 500);
        // raters who lost the server together do not come back together
        retryIn = this.wait * (0.75 + Math.random() / 2);
      }
    }
    this.busy = false;
    if (retryIn !== null) this.timer = setTimeout(() => this.flush(), retryIn);
    this.notify({waiting: this.items.length, refused: this.refused, retryIn});
  }
}
