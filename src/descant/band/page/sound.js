"use strict";
// A synthesiser like an organ with soft pipes: a channel a voice, and clicks. Times are of the audio clock, seconds.

const PARTIALS = [0, 1, 0.5, 0.28, 0.16, 0.06, 0.09, 0.02, 0.04];
const ATTACK = 0.015, FADE = 0.04, LOUDNESS = 0.16;
const PANS = [-0.3, 0.25, -0.15, 0.3];

class Sound {
  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    const limiter = new DynamicsCompressorNode(this.context, { threshold: -12, ratio: 6 });
    limiter.connect(this.context.destination);
    this.clicks = new GainNode(this.context, { gain: 0.4 });
    this.clicks.connect(limiter);
    this.wave = new PeriodicWave(this.context, { real: PARTIALS.map(() => 0), imag: PARTIALS });
    this.channels = PANS.map((pan) => {
      const gain = new GainNode(this.context), panner = new StereoPannerNode(this.context, { pan });
      gain.connect(panner).connect(limiter);
      return gain;
    });
    // by voice and pitch those that have not ended; and all that may still sound
    this.open = new Map();
    this.alive = new Set();
  }

  get now() {
    return this.context.currentTime;
  }

  // when something that happened on the page was heard together with, on the audio clock
  timeOf(event) {
    const ago = Math.max(0, performance.now() - event.timeStamp) / 1000;
    return this.now - ago - (this.context.outputLatency || 0);
  }

  strike(voice, pitch, time) {
    this.release(voice, pitch, time);
    const at = Math.max(time, this.now);
    const oscillator = new OscillatorNode(this.context, { frequency: 440 * 2 ** ((pitch - 69) / 12) });
    oscillator.setPeriodicWave(this.wave);
    const gain = new GainNode(this.context, { gain: 0 });
    // low notes of few partials sound softer
    const loudness = LOUDNESS * (1 + Math.max(0, 60 - pitch) / 40);
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loudness, at + ATTACK);
    oscillator.connect(gain).connect(this.channels[voice]);
    oscillator.start(at);
    const note = { oscillator, gain, at };
    this.open.set(`${voice} ${pitch}`, note);
    this.alive.add(note);
    oscillator.onended = () => {
      gain.disconnect();
      this.alive.delete(note);
    };
  }

  release(voice, pitch, time) {
    const name = `${voice} ${pitch}`, note = this.open.get(name);
    if (!note) return;
    this.open.delete(name);
    const at = Math.max(time, this.now, note.at + ATTACK);
    note.gain.gain.setTargetAtTime(0, at, FADE);
    note.oscillator.stop(at + 8 * FADE);
  }

  click(time, first) {
    const at = Math.max(time, this.now);
    const oscillator = new OscillatorNode(this.context, { type: "triangle", frequency: first ? 1760 : 1174 });
    const gain = new GainNode(this.context, { gain: 0 });
    gain.gain.setValueAtTime(1, at);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.06);
    oscillator.connect(gain).connect(this.clicks);
    const note = { oscillator, gain, at };
    this.alive.add(note);
    oscillator.onended = () => this.alive.delete(note);
    oscillator.start(at);
    oscillator.stop(at + 0.07);
  }

  audible(voice, whether) {
    this.channels[voice].gain.setTargetAtTime(whether ? 1 : 0, this.now, 0.01);
  }

  // end everything now, and all that is still to come
  panic() {
    for (const note of this.alive) {
      note.gain.disconnect();
      note.oscillator.stop();
    }
    this.alive.clear();
    this.open.clear();
  }
}
