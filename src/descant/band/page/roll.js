"use strict";
// The piano roll: the measure that sounds and the next one, before it sounds.

const LOWEST = 36, HIGHEST = 81;
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const noteName = (pitch) => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

// the notes of a plan by voice, {voice, pitch, from, to} in sixteenths; before: what each voice holds on, or null
function notesOf(plan, before) {
  const notes = [], after = [...before];
  for (let voice = 0; voice < VOICES; voice++) {
    let from = 0, pitch = before[voice];
    for (let step = 0; step <= MEASURE; step++) {
      const token = step < MEASURE ? plan[step * VOICES + voice] : REST;
      if (token === HELD) continue;
      if (pitch !== null && step > from) notes.push({ voice, pitch, from, to: step });
      if (step === MEASURE) break;
      from = step;
      pitch = token < PITCHES ? token : null;
    }
    after[voice] = pitch;
  }
  return { notes, after };
}

// a plan in words, without the person's voice
function planText(plan, person, names) {
  return names
    .map((name, voice) => {
      const begun = [];
      for (let step = 0; step < MEASURE; step++) {
        const token = plan[step * VOICES + voice];
        if (token !== HELD) begun.push(token < PITCHES ? noteName(token) : "rest");
      }
      return voice === person ? "" : `${name} ${begun.join(" ") || "holds"}`;
    })
    .filter(Boolean)
    .join("; ");
}

class Roll {
  constructor(canvas) {
    this.canvas = canvas;
  }

  // measures: [{label, notes: [{voice, pitch, from, to, hollow, faint}]}, ...] from left to right; head: in measures, or null
  draw(measures, head) {
    const { canvas } = this, ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const style = getComputedStyle(canvas), colour = (name) => style.getPropertyValue(name).trim();
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const left = 34, top = 20, row = (height - top - 4) / (HIGHEST - LOWEST + 1), across = (width - left) / measures.length;
    const y = (pitch) => top + (HIGHEST - Math.min(HIGHEST, Math.max(LOWEST, pitch))) * row;
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = pen.strokeStyle = colour("--line");
    for (let pitch = LOWEST; pitch <= HIGHEST; pitch++) {
      if ([1, 3, 6, 8, 10].includes(pitch % 12)) {
        pen.globalAlpha = 0.35;
        pen.fillRect(left, y(pitch), width - left, row);
        pen.globalAlpha = 1;
      }
    }
    measures.forEach((measure, number) => {
      const x = left + number * across;
      for (let beat = 0; beat < BEATS; beat++) {
        pen.fillStyle = colour(beat ? "--line" : "--edge");
        pen.fillRect(x + (beat * across) / BEATS, top, 1, height - top);
      }
      pen.fillStyle = colour("--quiet");
      pen.fillText(measure.label, x + 4, 13);
      for (const note of measure.notes) {
        const from = x + (note.from * across) / MEASURE + 1.5;
        const box = [from, y(note.pitch), Math.max(2, x + (note.to * across) / MEASURE - from - 1), Math.max(4, row - 1)];
        pen.fillStyle = pen.strokeStyle = colour(`--voice${note.voice}`);
        pen.globalAlpha = note.faint ? 0.45 : 1;
        if (note.hollow) pen.strokeRect(...box);
        else pen.fillRect(...box);
      }
      pen.globalAlpha = 1;
    });
    pen.fillStyle = colour("--quiet");
    for (let pitch = 36; pitch <= HIGHEST; pitch += 12) pen.fillText(noteName(pitch), 6, y(pitch) + row);
    if (head !== null) {
      pen.fillStyle = colour("--accent");
      pen.fillRect(left + head * across - 1, top, 2, height - top);
    }
  }
}
