"use strict";
// PartLSTM of descant.layers.part_lstm, for drawing: start, beginStep, say. Runs in the worker, and in tests.

// every float of 16 bits
const HALVES = (() => {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else table[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
})();

// bytes of base64 text, for both sides of the worker
function decodeBase64(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

// tensors by name, from 16-bit floats that lie one after another: [[name, [rows, columns]], ...]
function readTensors(layout, bytes) {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const tensors = {};
  let at = 0;
  for (const [name, shape] of layout) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = new Float32Array(count);
    for (let index = 0; index < count; index++) values[index] = HALVES[halves[at + index]];
    tensors[name] = values;
    at += count;
  }
  return tensors;
}

// out += matrix * vector; four rows at once, twice as fast as one
function addProduct(out, matrix, vector) {
  const width = vector.length, whole = out.length - (out.length % 4);
  for (let row = 0; row < whole; row += 4) {
    let a = 0, b = 0, c = 0, d = 0;
    const first = row * width, second = first + width, third = second + width, fourth = third + width;
    for (let column = 0; column < width; column++) {
      const value = vector[column];
      a += matrix[first + column] * value;
      b += matrix[second + column] * value;
      c += matrix[third + column] * value;
      d += matrix[fourth + column] * value;
    }
    out[row] += a;
    out[row + 1] += b;
    out[row + 2] += c;
    out[row + 3] += d;
  }
  for (let row = whole; row < out.length; row++) {
    let a = 0;
    for (let column = 0; column < width; column++) a += matrix[row * width + column] * vector[column];
    out[row] += a;
  }
}

// the table of matrix * row for every row of a table
function folded(table, matrix, width) {
  const rows = table.length / width, out = new Float32Array((rows * matrix.length) / width);
  for (let row = 0, high = matrix.length / width; row < rows; row++)
    addProduct(out.subarray(row * high, (row + 1) * high), matrix, table.subarray(row * width, (row + 1) * width));
  return out;
}

function addRow(out, table, row) {
  for (let index = 0, at = row * out.length; index < out.length; index++) out[index] += table[at + index];
}

function linear(tensors, name, vector) {
  const out = new Float32Array(tensors[`${name}.bias`]);
  addProduct(out, tensors[`${name}.weight`], vector);
  return out;
}

const sigmoid = (value) => 1 / (1 + Math.exp(-value));

// one layer of an LSTM, one way; PyTorch's order of gates: input, forget, cell, output
class Cell {
  constructor(tensors, prefix, suffix) {
    this.input = tensors[`${prefix}.weight_ih_${suffix}`];
    this.recurrent = tensors[`${prefix}.weight_hh_${suffix}`];
    const first = tensors[`${prefix}.bias_ih_${suffix}`], second = tensors[`${prefix}.bias_hh_${suffix}`];
    this.bias = first.map((value, index) => value + second[index]);
    this.units = this.bias.length / 4;
    this.width = this.input.length / this.bias.length;
  }

  begin() {
    return { hidden: new Float32Array(this.units), cell: new Float32Array(this.units) };
  }

  // what a vector and the bias bring to the gates
  read(vector) {
    const gates = new Float32Array(this.bias);
    addProduct(gates, this.input, vector);
    return gates;
  }

  // the next hidden state; the state and the gates are changed
  step(state, gates) {
    addProduct(gates, this.recurrent, state.hidden);
    const units = this.units, hidden = new Float32Array(units);
    for (let unit = 0; unit < units; unit++) {
      state.cell[unit] =
        sigmoid(gates[units + unit]) * state.cell[unit] + sigmoid(gates[unit]) * Math.tanh(gates[2 * units + unit]);
      hidden[unit] = sigmoid(gates[3 * units + unit]) * Math.tanh(state.cell[unit]);
    }
    state.hidden = hidden;
    return hidden;
  }
}

// a cell that reads sums of rows of tables: its matrix is multiplied into them once
class TableCell extends Cell {
  constructor(tensors, prefix, suffix, tables) {
    super(tensors, prefix, suffix);
    this.tables = tables.map((name) => folded(tensors[name], this.input, this.width));
  }
}

class Network {
  // shape: {voices, classes, measure, layers}
  constructor(shape, tensors) {
    Object.assign(this, shape);
    this.tensors = tensors;
    this.held = this.classes - 2;
    const fixed = ["fixed.tokens.table.weight", "fixed.sounding.table.weight", "fixed.place.weight"];
    this.ahead = new TableCell(tensors, "fixed.lstm", "l0", fixed);
    this.back = new TableCell(tensors, "fixed.lstm", "l0_reverse", fixed);
    this.first = new TableCell(tensors, "lstm", "l0", ["last.table.weight", "sounding.table.weight", "place.weight"]);
    // of the context, which is read through a layer of its own
    this.first.bias = this.first.read(tensors["from_fixed.bias"]);
    this.fromFixed = this.columns(tensors["from_fixed.weight"], this.first);
    this.cells = [this.first];
    for (let layer = 1; layer < this.layers; layer++) this.cells.push(new Cell(tensors, "lstm", `l${layer}`));
  }

  // a cell's matrix times another
  columns(matrix, cell) {
    const inner = cell.width, columns = matrix.length / inner, rows = cell.bias.length;
    const turned = new Float32Array(matrix.length), out = new Float32Array(rows * columns);
    matrix.forEach((value, at) => (turned[(at % columns) * inner + Math.floor(at / columns)] = value));
    folded(turned, cell.input, inner).forEach((value, at) => (out[(at % rows) * columns + Math.floor(at / rows)] = value));
    return out;
  }

  // out += a table's rows of one token a voice, `classes` for what is not known
  addTokens(out, table, tokens) {
    for (let voice = 0; voice < this.voices; voice++) addRow(out, table, voice * (this.classes + 1) + tokens[voice]);
  }

  // gates of a cell that reads tokens, what sounds, and a step's place
  gates(cell, tokens, sounding, step) {
    const gates = new Float32Array(cell.bias), [ofTokens, ofSounding, ofPlaces] = cell.tables;
    this.addTokens(gates, ofTokens, tokens);
    this.addTokens(gates, ofSounding, sounding);
    addRow(gates, ofPlaces, step % this.measure);
    return gates;
  }

  // an LSTM both ways over the tokens that are fixed: one vector a step
  fixedContext(tokens, fixed) {
    const { voices, classes, held } = this;
    const steps = tokens.length / voices, units = this.ahead.units;
    const now = new Int32Array(voices).fill(classes), ahead = this.ahead.begin(), back = this.back.begin();
    const seen = [], sounding = [], out = [];
    for (let step = 0; step < steps; step++) {
      const known = Int32Array.from(now, (_, voice) => {
        const at = step * voices + voice;
        return fixed[at] ? tokens[at] : classes;
      });
      known.forEach((token, voice) => {
        if (token !== held) now[voice] = token;
      });
      seen.push(known);
      sounding.push(now.slice());
      out.push(new Float32Array(2 * units));
      out[step].set(this.ahead.step(ahead, this.gates(this.ahead, known, now, step)));
    }
    for (let step = steps - 1; step >= 0; step--)
      out[step].set(this.back.step(back, this.gates(this.back, seen[step], sounding[step], step)), units);
    return out;
  }

  // stand before a step: those before it are followed
  start(tokens, fixed, step) {
    const memory = {
      step: 0,
      tokens,
      sounding: new Int32Array(this.voices).fill(this.classes),
      context: this.fixedContext(tokens, fixed),
      states: this.cells.map((cell) => cell.begin()),
      hidden: null,
    };
    for (let before = 0; before < step; before++) this.advance(memory, before);
    return memory;
  }

  // what the LSTM gives for a step
  advance(memory, step) {
    const { voices, classes, held } = this;
    const last = new Int32Array(voices).fill(classes);
    if (step) last.set(memory.tokens.subarray((step - 1) * voices, step * voices));
    for (let voice = 0; voice < voices; voice++) if (last[voice] !== held) memory.sounding[voice] = last[voice];
    memory.step = step;
    const gates = this.gates(this.first, last, memory.sounding, step);
    addProduct(gates, this.fromFixed, memory.context[step]);
    return this.cells.reduce((read, cell, layer) => {
      const out = cell.step(memory.states[layer], read);
      return layer + 1 < this.layers ? this.cells[layer + 1].read(out) : out;
    }, gates);
  }

  // what all voices of a step share; those before it must stand in the memory's tokens
  beginStep(memory, step) {
    const out = this.advance(memory, step);
    memory.hidden = linear(this.tensors, "hidden", out);
    addRow(memory.hidden, this.tensors["head_place.weight"], step % this.measure);
    const fixed = linear(this.tensors, "head_fixed", memory.context[step]);
    for (let index = 0; index < fixed.length; index++) memory.hidden[index] += fixed[index];
    this.addTokens(memory.hidden, this.tensors["head_sounding.table.weight"], memory.sounding);
  }

  // logits of a voice in the step that was begun; known: of the step, one a voice
  say(memory, voice, known) {
    const seen = new Int32Array(this.voices);
    for (let each = 0; each < this.voices; each++)
      seen[each] = known[each] ? memory.tokens[memory.step * this.voices + each] : this.classes;
    const read = new Float32Array(memory.hidden);
    this.addTokens(read, this.tensors["current.table.weight"], seen);
    addRow(read, this.tensors["voice.weight"], voice);
    for (let index = 0; index < read.length; index++) if (read[index] < 0) read[index] = 0;
    return linear(this.tensors, "output", read);
  }
}
