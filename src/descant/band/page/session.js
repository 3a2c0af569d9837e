"use strict";
// descant.band.quantise and descant.band.session, line by line: what happens when. It knows no clock and no sound.

const HELD = 128, REST = 129, PITCHES = 128, BEATS = 4, VOICES = 4;
// seconds before a sixteenth at which it is given away, and before a bar line at which it is too late for its plan
const AHEAD = 0.25, TOO_LATE = 0.03;
// of the measure before, when the band enters after a single one
const EARLY = MEASURE - QUARTER;

// tokens of a voice over some steps; notes: {pitch, on, off} in sixteenths, off null while it is held
function quantise(notes, first, count = MEASURE) {
  const tokens = new Array(count).fill(HELD);
  if (first === 0) tokens[0] = REST;
  notes.forEach((note, place) => {
    const begins = nearest(note.on), after = notes[place + 1];
    let end = note.off === null ? first + count : Math.max(begins + 1, nearest(note.off));
    if (after) end = Math.min(end, nearest(after.on));
    const onset = Math.max(0, begins);
    if (onset >= end) return;
    if (first <= onset && onset < first + count) tokens[onset - first] = note.pitch;
    if (first <= end && end < first + count) tokens[end - first] = REST;
  });
  return tokens;
}

class Session {
  // settings: {tempo, voice, start, leadIn, metronome, follow}; start: of the count-in of one measure, seconds
  constructor({ tempo, voice, start, leadIn, metronome, follow }) {
    this.pulse = new Pulse(tempo, start);
    Object.assign(this, { voice, metronome, follow });
    this.missed = 0;
    this.plans = new Map();
    this.heard = [];
    this.notes = [];
    this.sounding = new Array(VOICES).fill(null);
    // the next ones that are given away
    this.beat = -BEATS;
    this.step = leadIn * MEASURE;
    this.plan = null;
    this.early = leadIn === 1;
  }

  bar(measure) {
    return this.pulse.time(measure * MEASURE);
  }

  noteOn(time, pitch) {
    this.notes.push({ pitch, on: this.pulse.step(time), off: null });
    if (this.follow) this.pulse.follow(time);
  }

  noteOff(time, pitch) {
    const note = this.notes.findLast((each) => each.pitch === pitch && each.off === null);
    if (note) note.off = this.pulse.step(time);
  }

  // a plan that comes too late is never played
  give(measure, plan) {
    if (measure * MEASURE >= this.step) this.plans.set(measure, plan);
  }

  // actions {kind: "click" | "strike" | "release" | "ask", ...} in order; up to AHEAD seconds in the future
  tick(now) {
    const actions = [];
    for (;;) {
      const time = this.pulse.time(this.beat * QUARTER);
      if (time > now + AHEAD) break;
      if (this.beat < 0 || this.metronome)
        actions.push({ kind: "click", time, first: this.beat % BEATS === 0 });
      this.beat += 1;
    }
    if (this.early && now >= this.pulse.time(EARLY)) {
      this.early = false;
      actions.push({ kind: "ask", measure: 1, heard: quantise(this.notes, 0, EARLY) });
    }
    for (;;) {
      const done = this.heard.length / MEASURE + 1;
      if (now < this.bar(done)) break;
      this.ended(done - 1);
      // of a clock that stood still, as a page's does in the background, nothing past is planned
      if (now < this.bar(done + 1)) actions.push({ kind: "ask", measure: done + 1, heard: this.heard.slice() });
    }
    for (;;) {
      const time = this.pulse.time(this.step), row = this.step % MEASURE, measure = (this.step - row) / MEASURE;
      // of a tempo that stays, a whole measure at once
      if (time > now + AHEAD && (row === 0 || this.follow)) break;
      if (row === 0) {
        if (!this.plans.has(measure) && now + TOO_LATE < time) break;
        this.plan = this.plans.get(measure) ?? null;
        this.plans.delete(measure);
        if (this.plan === null) {
          this.missed += 1;
          this.silenced(Math.max(now, time), actions);
        }
      }
      if (this.plan !== null) this.played(this.plan.slice(row * VOICES, (row + 1) * VOICES), time, actions);
      this.step += 1;
    }
    return actions;
  }

  ended(measure) {
    const first = measure * MEASURE;
    this.heard.push(...quantise(this.notes, first));
    // all but the last one that began before the next measure has been cut short
    while (this.notes.length > 1 && nearest(this.notes[1].on) < first + MEASURE) this.notes.shift();
  }

  played(tokens, time, actions) {
    tokens.forEach((token, voice) => {
      if (voice === this.voice || token === HELD) return;
      if (this.sounding[voice] !== null)
        actions.push({ kind: "release", time, voice, pitch: this.sounding[voice] });
      this.sounding[voice] = token < PITCHES ? token : null;
      if (token < PITCHES) actions.push({ kind: "strike", time, voice, pitch: token });
    });
  }

  silenced(time, actions) {
    this.sounding.forEach((pitch, voice) => {
      if (pitch !== null) actions.push({ kind: "release", time, voice, pitch });
    });
    this.sounding.fill(null);
  }
}
