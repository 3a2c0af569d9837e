"use strict";
// descant.band.pulse, line by line: when each sixteenth is, at a tempo that stays, or at that of a person who is followed.

const MEASURE = 16, QUARTER = 4;
// shares of an error: of the phase, and of the period
const PHASE = 0.6, PERIOD = 0.2;
// seconds that a hand, or a port that says it late, may be off without meaning a tempo
const STEADY = 0.02;
// sixteenths that an error counts for at most, and how many times as fast or slow as at first it gets
const MOST = 0.25, FURTHEST = 1.5;

const nearest = (step) => Math.floor(step + 0.5);

class Pulse {
  // tempo: quarters a minute; start: of the measure before the first bar line, seconds
  constructor(tempo, start) {
    this.length = this.first = 60 / tempo / QUARTER;
    this.anchor = { step: 0, time: start + MEASURE * this.length };
    this.last = null;
  }

  time(step) {
    return this.anchor.time + (step - this.anchor.step) * this.length;
  }

  step(time) {
    return this.anchor.step + (time - this.anchor.time) / this.length;
  }

  follow(time) {
    const at = this.step(time), step = nearest(at);
    if (step < 0 || step === this.last) return;
    const early = at < step, size = Math.min(MOST, Math.max(0, Math.abs(at - step) - STEADY / this.length));
    const error = early ? -size : size;
    // notes in quick succession say little of the period
    const since = this.last === null ? QUARTER : Math.max(QUARTER, step - this.last);
    this.last = step;
    this.anchor = { step, time: this.time(step) + PHASE * error * this.length };
    const longest = this.first * FURTHEST, shortest = this.first / FURTHEST;
    this.length = Math.min(longest, Math.max(shortest, this.length * (1 + (PERIOD * error) / since)));
  }
}
