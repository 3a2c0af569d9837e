"use strict";
// draw_parts of descant.sampling.parts and BandPlayer of descant.band.player, with the same uniform numbers.

const MASK = (1n << 64n) - 1n;

// Philox 4x64-10 (Salmon et al. 2011), as numpy's counts: uniforms 0 to count of a stream, in [0, 1)
function uniforms(key, stream, count) {
  const out = new Float64Array(count);
  for (let at = 0; at < count; at += 4) {
    let [a, b, c, d] = [BigInt(at / 4 + 1), 0n, 0n, 0n];
    let [first, second] = [key, BigInt(stream)];
    for (let round = 0; round < 10; round++) {
      const low = a * 0xd2e7470ee14c6c93n, high = c * 0xca5a826395121157n;
      [a, b, c, d] = [(high >> 64n) ^ b ^ first, high & MASK, (low >> 64n) ^ d ^ second, low & MASK];
      first = (first + 0x9e3779b97f4a7c15n) & MASK;
      second = (second + 0xbb67ae8584caa73bn) & MASK;
    }
    [a, b, c, d].forEach((word, place) => {
      if (at + place < count) out[at + place] = Number(word >> 11n) * 2 ** -53;
    });
  }
  return out;
}

// descant.sampling.draw
function draw(logits, uniform, temperature, topP) {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const chances = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  const sum = chances.reduce((a, b) => a + b);
  for (let token = 0; token < chances.length; token++) chances[token] /= sum;
  if (topP < 1) {
    const order = Array.from(chances.keys()).sort((a, b) => chances[b] - chances[a]);
    let reached = 0;
    for (const token of order) {
      const chance = chances[token];
      reached += chance;
      if (reached - chance >= topP) chances[token] = 0;
    }
  }
  const kept = chances.reduce((a, b) => a + b);
  let reached = 0;
  for (let token = 0; token < chances.length; token++) {
    reached += chances[token];
    if (reached > uniform * kept) return token;
  }
  return chances.length - 1;
}

// tokens with all drawn that are not fixed: top, bottom, then the others from the top down
function drawParts(network, given, fixed, key, stream, temperature, topP) {
  const tokens = Int32Array.from(given), { voices } = network;
  const order = [0, voices - 1, ...Array.from({ length: Math.max(0, voices - 2) }, (_, voice) => voice + 1)];
  const first = fixed.indexOf(0), last = fixed.lastIndexOf(0);
  if (first < 0) return tokens;
  const numbers = uniforms(key, stream, tokens.length);
  const memory = network.start(tokens, fixed, Math.floor(first / voices));
  for (let step = Math.floor(first / voices); step <= Math.floor(last / voices); step++) {
    network.beginStep(memory, step);
    const known = Uint8Array.from(fixed.subarray(step * voices, (step + 1) * voices));
    for (const voice of order) {
      if (known[voice]) continue;
      tokens[step * voices + voice] = draw(
        network.say(memory, voice, known), numbers[step * voices + voice], temperature, topP,
      );
      known[voice] = 1;
    }
  }
  return tokens;
}

class BandPlayer {
  // settings: {voice, key, temperature, topP, context, ownPast}
  constructor(network, settings) {
    this.network = network;
    this.settings = settings;
    this.plans = new Map();
  }

  // tokens of a measure, step by step and voice by voice; the person's as it is imagined
  plan(heard, measure) {
    const { network } = this;
    const { voice, key, temperature, topP, context, ownPast } = this.settings;
    const { measure: size, voices, classes, held } = network;
    const first = Math.max(0, measure + 1 - context), row = size * voices;
    const tokens = new Int32Array((measure + 1 - first) * row).fill(held);
    const fixed = new Uint8Array(tokens.length);
    const whole = Math.floor(heard.length / size);
    for (let number = first; number < measure; number++) {
      // what was announced and does not sound yet stands, whatever of its past it reads
      if (!this.plans.has(number) || !(ownPast || number >= whole)) continue;
      tokens.set(this.plans.get(number), (number - first) * row);
      for (let at = 0; at < row; at++) fixed[(number - first) * row + at] = at % voices === voice ? 0 : 1;
    }
    for (let step = first * size; step < Math.min(heard.length, (measure + 1) * size); step++) {
      tokens[(step - first * size) * voices + voice] = heard[step];
      fixed[(step - first * size) * voices + voice] = 1;
    }
    const drawn = drawParts(network, tokens, fixed, key, measure, temperature, topP);
    const plan = drawn.slice(-row);
    // a voice that begins with what is held on, from a measure that the band did not play, strikes it
    if (!this.plans.has(measure - 1)) {
      for (let each = 0; each < voices; each++) {
        let at = drawn.length - row + each;
        while (at >= 0 && drawn[at] === held) at -= voices;
        if (at >= 0 && drawn[at] < classes) plan[each] = drawn[at];
      }
    }
    for (let number = first; number < Math.min(measure, whole); number++)
      if (!this.plans.has(number)) this.plans.set(number, drawn.slice((number - first) * row, (number - first + 1) * row));
    for (const number of [...this.plans.keys()]) if (number < measure + 2 - context) this.plans.delete(number);
    this.plans.set(measure, plan);
    return plan;
  }
}
