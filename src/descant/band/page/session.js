"use strict";
// descant.band.quantise and descant.band.session, line by line: what happens when. It knows no clock and no sound.

const HELD = 128, REST = 129, PITCHES = 128, MEASURE = 16, QUARTER = 4, BEATS = 4, VOICES = 4;
// seconds before a bar line at which its measure is given away, and at which it is too late for its plan
const AHEAD = 0.25, TOO_LATE = 0.03;
// of the measure before, when the band enters after a single one
const EARLY = MEASURE - QUARTER;

const nearest = (seconds, step) => Math.floor(seconds / step + 0.5);

// tokens of a voice over some steps; notes: {pitch, on, off}, off null while it is held
function quantise(notes, step, first, count = MEASURE) {
  const tokens = new Array(count).fill(HELD);
  if (first === 0) tokens[0] = REST;
  notes.forEach((note, place) => {
    const begins = nearest(note.on, step), after = notes[place + 1];
    let end = note.off === null ? first + count : Math.max(begins + 1, nearest(note.off, step));
    if (after) end = Math.min(end, nearest(after.on, step));
    const onset = Math.max(0, begins);
    if (onset >= end) return;
    if (first <= onset && onset < first + count) tokens[onset - first] = note.pitch;
    if (first <= end && end < first + count) tokens[end - first] = REST;
  });
  return tokens;
}

class Session {
  // settings: {tempo, voice, start, leadIn, metronome}; start: of the count-in of one measure, seconds
  constructor({ tempo, voice, start, leadIn, metronome }) {
    this.step = 60 / tempo / QUARTER;
    Object.assign(this, { voice, metronome });
    this.origin = start + MEASURE * this.step;
    this.missed = 0;
    this.plans = new Map();
    this.heard = [];
    this.notes = [];
    this.sounding = new Array(VOICES).fill(null);
    this.beat = -BEATS;
    this.measure = leadIn;
    this.early = leadIn === 1;
  }

  bar(measure) {
    return this.origin + measure * MEASURE * this.step;
  }

  noteOn(time, pitch) {
    this.notes.push({ pitch, on: time - this.origin, off: null });
  }

  noteOff(time, pitch) {
    const note = this.notes.findLast((each) => each.pitch === pitch && each.off === null);
    if (note) note.off = time - this.origin;
  }

  // a plan that comes too late is never played
  give(measure, plan) {
    if (measure >= this.measure) this.plans.set(measure, plan);
  }

  // actions {kind: "click" | "strike" | "release" | "ask", ...} in order; up to AHEAD seconds in the future
  tick(now) {
    const actions = [];
    for (;;) {
      const time = this.origin + this.beat * QUARTER * this.step;
      if (time > now + AHEAD) break;
      if (this.beat < 0 || this.metronome)
        actions.push({ kind: "click", time, first: this.beat % BEATS === 0 });
      this.beat += 1;
    }
    if (this.early && now >= this.origin + EARLY * this.step) {
      this.early = false;
      actions.push({ kind: "ask", measure: 1, heard: quantise(this.notes, this.step, 0, EARLY) });
    }
    for (;;) {
      const done = this.heard.length / MEASURE + 1;
      if (now < this.bar(done)) break;
      this.ended(done - 1);
      // of a clock that stood still, as a page's does in the background, nothing past is planned
      if (now < this.bar(done + 1)) actions.push({ kind: "ask", measure: done + 1, heard: this.heard.slice() });
    }
    while (now + AHEAD >= this.bar(this.measure)) {
      if (this.plans.has(this.measure)) {
        this.played(this.plans.get(this.measure), actions);
        this.plans.delete(this.measure);
      } else if (now + TOO_LATE >= this.bar(this.measure)) {
        this.missed += 1;
        this.silenced(Math.max(now, this.bar(this.measure)), actions);
      } else break;
      this.measure += 1;
    }
    return actions;
  }

  ended(measure) {
    const first = measure * MEASURE;
    this.heard.push(...quantise(this.notes, this.step, first));
    // all but the last one that began before the next measure has been cut short
    while (this.notes.length > 1 && nearest(this.notes[1].on, this.step) < first + MEASURE) this.notes.shift();
  }

  played(plan, actions) {
    for (let at = 0; at < plan.length; at++) {
      const token = plan[at], voice = at % VOICES;
      if (voice === this.voice || token === HELD) continue;
      const time = this.bar(this.measure) + Math.floor(at / VOICES) * this.step;
      if (this.sounding[voice] !== null)
        actions.push({ kind: "release", time, voice, pitch: this.sounding[voice] });
      this.sounding[voice] = token < PITCHES ? token : null;
      if (token < PITCHES) actions.push({ kind: "strike", time, voice, pitch: token });
    }
  }

  silenced(time, actions) {
    this.sounding.forEach((pitch, voice) => {
      if (pitch !== null) actions.push({ kind: "release", time, voice, pitch });
    });
    this.sounding.fill(null);
  }
}
