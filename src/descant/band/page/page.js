"use strict";
// The page: its controls, the session that runs, and what is shown.

const TICK = 25;
const SETTINGS = JSON.parse(document.getElementById("settings").textContent);
const STARTS = [60, 60, 48, 36];
const $ = (id) => document.getElementById(id);
// assistive technology reads out what is written, so nothing is written twice
const write = (id, text) => {
  if ($(id).textContent !== text) $(id).textContent = text;
};
const say = (text) => write("status", text);

const muted = new Set(), soloed = new Set();
let sound = null, session = null, number = 0, band = null;

const hired = (source) => new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));

// the worker gets the text of the scripts that it needs, and the weights
function hire() {
  const source = ["network", "player", "worker"].map((name) => $(`script-${name}`).textContent).join("\n");
  const worker = hired(source);
  worker.onmessage = ({ data }) => {
    if (data.kind === "ready") {
      $("start").disabled = false;
      say("Ready. Press Start; the letters A to ; are piano keys.");
    } else if (data.session === number && session) {
      session.give(data.measure, data.plan);
      band.plans.set(data.measure, data.plan);
      band.took.push(data.milliseconds);
    }
  };
  worker.onerror = (error) => {
    stop();
    say(`The network failed: ${error.message}. Reload the page.`);
  };
  const weights = decodeBase64($("weights").textContent).buffer;
  worker.postMessage({ kind: "network", shape: SETTINGS.shape, layout: SETTINGS.layout, weights }, [weights]);
  return worker;
}

const worker = hire();
// a page's own timers hardly run while it is in the background
hired(`setInterval(() => postMessage(0), ${TICK})`).onmessage = () => session && tick();

function sounding() {
  sound ??= new Sound();
  sound.context.resume();
  return sound;
}

function person() {
  return Number($("voice").value);
}

function levels() {
  if (!sound) return;
  for (let voice = 0; voice < VOICES; voice++)
    sound.audible(voice, soloed.size ? soloed.has(voice) : !muted.has(voice));
}

function setting(id) {
  const input = $(id);
  if (!input.checkValidity()) input.value = input.defaultValue;
  return Number(input.value);
}

function start() {
  const written = Math.trunc(setting("seed"));
  const seed = $("seed").value ? BigInt(written) : crypto.getRandomValues(new BigUint64Array(1))[0] >> 40n;
  sounding();
  levels();
  number += 1;
  const leadIn = Number($("lead-in").value), voice = person(), tempo = setting("tempo");
  worker.postMessage({
    kind: "session",
    session: number,
    settings: {
      voice, key: seed, temperature: setting("temperature"), topP: SETTINGS.topP, context: SETTINGS.context,
      ownPast: $("own-past").checked,
    },
  });
  const start = sound.now + 0.3, metronome = $("metronome").checked, follow = $("follow").checked;
  session = new Session({ tempo, voice, start, leadIn, metronome, follow });
  // what was shown, and how it went
  band = { plans: new Map(), took: [], late: 0, latest: 0, notes: [], seed, leadIn };
  $("start").textContent = "Stop";
  for (const control of document.querySelectorAll(".before")) control.disabled = true;
  say("Counting in.");
  requestAnimationFrame(show);
}

function stop() {
  sound?.panic();
  session = null;
  $("start").textContent = "Start";
  for (const control of document.querySelectorAll(".before")) control.disabled = false;
}

function tick() {
  const now = sound.now;
  session.metronome = $("metronome").checked;
  session.follow = $("follow").checked;
  const missed = session.missed;
  for (const action of session.tick(now)) {
    if (action.kind === "ask") {
      const { measure, heard } = action;
      worker.postMessage({ kind: "plan", session: number, measure, heard, ownPast: $("own-past").checked });
      continue;
    }
    if (action.time < sound.now) {
      band.late += 1;
      band.latest = Math.max(band.latest, sound.now - action.time);
    }
    if (action.kind === "click") sound.click(action.time, action.first);
    else if (action.kind === "strike") sound.strike(action.voice, action.pitch, action.time);
    else sound.release(action.voice, action.pitch, action.time);
  }
  const measure = Math.floor(session.pulse.step(now) / MEASURE);
  if (session.missed > missed) say("A measure was planned too late and is left out.");
  else if (measure < 0) say("Counting in.");
  else if (measure < band.leadIn) say("You play alone; the band listens.");
  else if (band.plans.has(measure)) say("The band plays with you.");
}

// measure by measure what is in the roll
function shown(now) {
  const step = session.pulse.step(now), current = Math.floor(step / MEASURE), voice = session.voice;
  const first = current * MEASURE;
  for (const number of [...band.plans.keys()]) if (number < current - 1) band.plans.delete(number);
  band.notes = band.notes.filter((note) => note.off === null || note.off > first);
  let before = new Array(VOICES).fill(null);
  // what is held on from the measure before is known where that was planned
  if (band.plans.has(current - 1)) before = notesOf(band.plans.get(current - 1), before).after;
  const measures = [current, current + 1].map((number) => {
    const plan = band.plans.get(number), notes = [];
    if (plan) {
      const played = notesOf(plan, before);
      before = played.after;
      for (const note of played.notes) {
        const own = note.voice === voice;
        if (own && !$("hints").checked) continue;
        const silent = soloed.size ? !soloed.has(note.voice) : muted.has(note.voice);
        notes.push({ ...note, hollow: own || silent, faint: own });
      }
    }
    const label = number < 0 ? "count-in" : `measure ${number + 1}${number === current ? "" : ", next"}`;
    return { label, notes };
  });
  for (const note of band.notes) {
    const from = Math.max(0, note.on - first), to = Math.min(MEASURE, (note.off ?? step) - first);
    if (to > from) measures[0].notes.push({ voice, pitch: note.pitch, from, to });
  }
  return { step, current, measures };
}

function show() {
  if (!session) return;
  const { step, current, measures } = shown(sound.now);
  roll.draw(measures, step / MEASURE - current);
  const next = band.plans.get(current + 1);
  const words = next ? planText(next, session.voice, SETTINGS.voices) : "not planned yet";
  write("next", `Next, measure ${current + 2}: ${words}`);
  if (band.took.length) {
    const last = band.took[band.took.length - 1], most = Math.max(...band.took);
    const share = (last / 10 / (MEASURE * session.pulse.length)).toFixed(1);
    write("speed", `${last.toFixed(0)} ms for the last measure, ${most.toFixed(0)} at most, ${share} % of a bar`);
  }
  const late = band.late ? `, by ${(1000 * band.latest).toFixed(0)} ms at most` : "";
  write("lateness", `${band.late} late${late}; ${session.missed} measures left out`);
  write("tempo-now", `${(60 / session.pulse.length / QUARTER).toFixed(0)} quarters a minute`);
  write("seeded", String(band.seed));
  requestAnimationFrame(show);
}

const instrument = new Instrument($("keys"), {
  down(pitch, event) {
    const voice = person(), time = sounding().timeOf(event);
    sound.strike(voice, pitch, sound.now);
    if (!session) return;
    band.notes.push({ pitch, on: session.pulse.step(time), off: null });
    session.noteOn(time, pitch);
  },
  up(pitch, event) {
    const time = sounding().timeOf(event);
    sound.release(person(), pitch, sound.now);
    if (!session) return;
    const note = band.notes.findLast((each) => each.pitch === pitch);
    if (note) note.off ??= session.pulse.step(time);
    session.noteOff(time, pitch);
  },
  moved(low) {
    $("octave").textContent = `${noteName(low)} to ${noteName(low + PLACES.length - 1)}`;
  },
});

function panic() {
  if (session) stop();
  sound?.panic();
  instrument.held.clear();
  for (const key of document.querySelectorAll(".key.down")) key.classList.remove("down");
  say("All notes are off.");
}

function toggle(button, set, voice) {
  button.addEventListener("click", () => {
    const on = set.has(voice) ? !set.delete(voice) : Boolean(set.add(voice));
    button.setAttribute("aria-pressed", String(on));
    levels();
  });
}

const roll = new Roll($("roll"));
$("start").addEventListener("click", () => {
  if (!session) return start();
  stop();
  say("Stopped.");
});
$("panic").addEventListener("click", panic);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") panic();
});
addEventListener("pagehide", () => sound?.panic());
addEventListener("resize", () => session || roll.draw(EMPTY, null));
$("lower").addEventListener("click", () => instrument.move(instrument.low - 12));
$("higher").addEventListener("click", () => instrument.move(instrument.low + 12));
$("voice").addEventListener("change", () => instrument.move(STARTS[person()]));
SETTINGS.voices.forEach((name, voice) => {
  toggle($(`mute-${name}`), muted, voice);
  toggle($(`solo-${name}`), soloed, voice);
});
$("midi").addEventListener("click", async () => {
  if (!navigator.requestMIDIAccess) return say("This browser has no Web MIDI; Chromium, Edge and Firefox have.");
  try {
    const names = await instrument.connect();
    say(names.length ? `Listening to ${names.join(", ")}.` : "No MIDI keyboard is there yet; plug one in.");
  } catch (error) {
    say(`MIDI was refused: ${error.message}`);
  }
});
instrument.move(STARTS[person()]);
const EMPTY = [{ label: "measure 1", notes: [] }, { label: "measure 2, next", notes: [] }];
roll.draw(EMPTY, null);
