"use strict";
// What the person plays on: letters of the keyboard, keys on the page, and MIDI. It calls down(pitch, event), up(pitch, event).

// places on the keyboard, whatever letters are on them: a row of white keys, the black ones above
const PLACES = [
  "KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL",
  "KeyP", "Semicolon",
];
const LETTERS = "AWSEDFTGYHUJKOLP;";
const BLACK = [1, 3, 6, 8, 10];
const typing = (element) => element.matches("select, textarea, input:not([type=checkbox])");

class Instrument {
  constructor(keys, { down, up, moved }) {
    Object.assign(this, { keys, down, up, moved });
    this.low = 60;
    this.held = new Map();
    addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("keyup", (event) => this.letGo(event.code, event));
    addEventListener("blur", (event) => this.letAllGo(event));
    this.build();
  }

  // by octaves; low: the pitch of the lowest key
  move(low) {
    this.low = Math.min(84, Math.max(24, low));
    this.letAllGo({ timeStamp: performance.now() });
    this.build();
    this.moved(this.low);
  }

  hold(name, pitch, event) {
    if (this.held.has(name)) return;
    this.held.set(name, pitch);
    this.mark(pitch, true);
    this.down(pitch, event);
  }

  letGo(name, event) {
    const pitch = this.held.get(name);
    if (pitch === undefined) return;
    this.held.delete(name);
    if ([...this.held.values()].includes(pitch)) return;
    this.mark(pitch, false);
    this.up(pitch, event);
  }

  letAllGo(event) {
    for (const name of [...this.held.keys()]) this.letGo(name, event);
  }

  pressed(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const place = PLACES.indexOf(event.code);
    if (place >= 0) this.hold(event.code, this.low + place, event);
    else if (event.code === "KeyZ") this.move(this.low - 12);
    else if (event.code === "KeyX") this.move(this.low + 12);
  }

  mark(pitch, down) {
    this.keys.querySelector(`[data-pitch="${pitch}"]`)?.classList.toggle("down", down);
  }

  build() {
    this.keys.replaceChildren(
      ...PLACES.map((_, place) => {
        const key = document.createElement("button"), pitch = this.low + place, name = `on the page ${pitch}`;
        key.type = "button";
        key.dataset.pitch = pitch;
        key.className = BLACK.includes(place % 12) ? "key black" : "key";
        key.setAttribute("aria-label", `${noteName(pitch)}, letter ${LETTERS[place]}`);
        key.append(LETTERS[place]);
        key.addEventListener("pointerdown", (event) => {
          key.setPointerCapture(event.pointerId);
          this.hold(name, pitch, event);
        });
        for (const kind of ["pointerup", "pointercancel"]) key.addEventListener(kind, (event) => this.letGo(name, event));
        // by Enter or the space bar, which say not how long
        key.addEventListener("click", (event) => {
          if (event.detail) return;
          this.hold(name, pitch, event);
          setTimeout(() => this.letGo(name, { timeStamp: performance.now() }), 300);
        });
        return key;
      }),
    );
  }

  // listen to all MIDI inputs, also those that are plugged in later; the names of those that are there
  async connect() {
    const access = await navigator.requestMIDIAccess();
    const listen = () => {
      for (const input of access.inputs.values()) input.onmidimessage = (message) => this.heard(input, message);
    };
    access.onstatechange = listen;
    listen();
    return [...access.inputs.values()].map((input) => input.name);
  }

  heard(input, message) {
    const [status, pitch, velocity] = message.data, kind = status & 0xf0, name = `${input.id} ${pitch}`;
    if (kind === 0x90 && velocity > 0) this.hold(name, pitch, message);
    else if (kind === 0x80 || kind === 0x90) this.letGo(name, message);
  }
}
