"use strict";
// One clip with its button and progress; only one sounds at a time.

/** Makes an element: element("p", {class: "quiet"}, "text", child). Texts are never read as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// of a clip's length, so much must have sounded to count as heard
const HEARD_SHARE = 0.95;

class Player {
  static sounding = null;

  /** @param notify is called with "playing", "paused", "heard" or "failed" */
  constructor(source, label, notify = () => {}) {
    Object.assign(this, {label, notify, heard: 0, milliseconds: 0, since: null});
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.audio.src = source;
    this.bar = element("progress", {max: "1", value: "0", "aria-label": `${label}: how far it has played`});
    this.words = element("span", {class: "small quiet"});
    this.button = element("button", {type: "button", class: "play", onclick: () => this.toggle()});
    this.node = element("div", {class: "player"}, this.button, element("div", {class: "track"}, this.bar, this.words));
    this.audio.addEventListener("playing", () => {
      this.since = performance.now();
      this._show("playing");
    });
    this.audio.addEventListener("pause", () => this._pause());
    this.audio.addEventListener("waiting", () => this._count());
    this.audio.addEventListener("timeupdate", () => {
      if (this.audio.duration) this.bar.value = this.audio.currentTime / this.audio.duration;
    });
    this.audio.addEventListener("ended", () => this._end());
    this._show("paused");
  }

  get playing() {
    return Player.sounding === this;
  }

  async toggle() {
    if (this.playing) {
      this.audio.pause();
      return;
    }
    Player.stop();
    Player.sounding = this;
    if (this.audio.error) this.audio.load();
    try {
      await this.audio.play();
    } catch (error) {
      if (Player.sounding === this) Player.sounding = null;
      // a pause before it began is no failure
      if (error.name !== "AbortError") this._show("failed");
    }
  }

  static stop() {
    const sounding = Player.sounding;
    Player.sounding = null;
    if (sounding) sounding.audio.pause();
  }

  _count() {
    if (this.since !== null) this.milliseconds += performance.now() - this.since;
    this.since = null;
  }

  _pause() {
    this._count();
    if (this.playing) Player.sounding = null;
    this._show("paused");
  }

  _end() {
    this._count();
    if (this.playing) Player.sounding = null;
    const {played, duration} = this.audio;
    let sounded = 0;
    for (let part = 0; part < played.length; part++) sounded += played.end(part) - played.start(part);
    if (sounded >= HEARD_SHARE * duration) this.heard += 1;
    this.bar.value = 1;
    this._show(sounded >= HEARD_SHARE * duration ? "heard" : "paused");
  }

  _show(state) {
    const playing = state === "playing";
    this.button.textContent = playing ? "\u275A\u275A" : "\u25B6";
    this.button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${this.label}`);
    const words = {playing: "Playing", paused: "", heard: "Heard to the end", failed: "The clip cannot be fetched. Try again."};
    this.words.textContent = words[state];
    this.node.dataset.state = state;
    this.notify(state);
  }
}
