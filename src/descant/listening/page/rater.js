"use strict";
// A rater's way: consent, volume, training, pages, thanks. With a server every rating is sent at once; without one (the
// test lies in the page as JSON) all are kept in the browser and given as a file at the end.

const COMMENT_BYTES = 10000;
// for the time that the page says a test takes; ours
const SECONDS_TO_RATE = 10;
const embedded = document.getElementById("study");
const screenNode = document.getElementById("screen");
const savedNode = document.getElementById("saved");
const preferences = new Keeper("descant/preferences/");
let view = null;
let test = null;

const hexadecimal = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
// half of a surrogate pair is no text and cannot be sent; taken by code points, only a half is of length 1
const wellFormed = (text) => Array.from(text, (part) => (part.length === 1 && part >= "\uD800" && part <= "\uDFFF" ? "\uFFFD" : part)).join("");
const paragraph = (text, kind) => element("p", {class: kind}, text);
const button = (text, action, kind) => element("button", {type: "button", class: kind, onclick: action}, text);

/** Where the test comes from and the ratings go: a server. */
const server = {
  async ask(path, content) {
    const post = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(content), keepalive: true};
    return fetch(path, content === undefined ? {} : post);
  },

  async about() {
    return (await this.ask("/study.json")).json();
  },

  async begin() {
    const answer = await this.ask("/sessions", {consent: true});
    const body = await answer.json().catch(() => ({}));
    // TypeError is what fetch throws when nobody answers
    if (!answer.ok) throw answer.status === 429 ? new RangeError(`${body.detail}: ${body.cure}.`) : new TypeError(`status ${answer.status}`);
    return body.session;
  },

  async send(session, rating) {
    const answer = await this.ask(`/s/${session}/ratings`, rating);
    if (answer.ok) return {done: true};
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Error(`status ${answer.status}`);
    const body = await answer.json().catch(() => ({}));
    if (answer.status === 409 && body.latest) return {latest: body.latest};
    return {refused: answer.status === 410 ? "this session was ended" : `the server does not take it (${answer.status})`};
  },

  clip: (session, name) => `/s/${session}/audio/${name}.flac`,
};

/** The test in progress: what is asked, and what was answered. */
class Test {
  constructor(session, given) {
    Object.assign(this, {session, ...given});
    this.keeper = new Keeper(`descant/${this.questionnaire.design.slice(0, 16)}/${session}/`);
    this.answers = new Map();
    const held = new Map((given.answers || []).map((answer) => [`${answer.page}/${answer.scale}`, answer.revision]));
    for (const answer of [...(given.answers || []), ...Object.values(this.keeper.get("answers", {}))]) {
      const key = `${answer.page}/${answer.scale}`;
      if (!(this.answers.get(key)?.revision >= answer.revision)) this.answers.set(key, answer);
    }
    this.notes = this.keeper.get("notes", {});
    const send = embedded ? async () => ({done: true}) : (rating) => server.send(session, rating);
    this.queue = new SaveQueue(this.keeper, send, showSaved, (rating, latest) => {
      // a later rating of the same waits behind this one: that one counts
      if (this.answer(rating.page, rating.scale)?.revision > rating.revision) return null;
      const raised = {...rating, revision: latest + 1};
      this._keep(raised);
      return raised;
    });
    // what this browser kept and the server lacks is sent again: it was refused, or the server has an older file
    const waiting = this.queue.items, same = (one, other) => ["page", "scale", "revision"].every((key) => one[key] === other[key]);
    const lacked = Object.entries(this.keeper.get("answers", {})).filter(([key, answer]) => !(held.get(key) >= answer.revision) && !waiting.some((other) => same(other, answer)));
    if (!embedded && lacked.length) this.keeper.set("queue", [...waiting, ...lacked.map(([, answer]) => answer)]);
  }

  answer(page, scale) {
    return this.answers.get(`${page}/${scale}`);
  }

  complete(page) {
    return this.questionnaire.scales.every((scale) => this.answer(page, scale.name));
  }

  note(page) {
    const answered = this.questionnaire.scales.map((scale) => this.answer(page, scale.name)).find(Boolean);
    this.notes[page] ??= {comment: answered?.comment ?? "", plays: answered?.plays ?? 0, heard: answered?.heard_ms ?? 0, shown: answered?.rating_ms ?? 0};
    return this.notes[page];
  }

  keepNotes() {
    this.keeper.set("notes", this.notes);
  }

  _keep(answer) {
    const key = `${answer.page}/${answer.scale}`;
    this.answers.set(key, answer);
    // another window may have kept ratings meanwhile
    this.keeper.set("answers", {...this.keeper.get("answers", {}), [key]: answer});
  }

  rate(page, scale, value, times) {
    const before = this.answer(page, scale), comment = this.note(page).comment;
    if (before && before.value === value && before.comment === comment) return;
    const answer = {page, scale, value, revision: (before?.revision ?? 0) + 1, ...times, comment};
    this._keep(answer);
    this.queue.add(answer);
  }

  get unrated() {
    return this.pages.findIndex((page) => !this.complete(page.page));
  }

  clip(name) {
    return embedded ? `audio/${name}.flac` : server.clip(this.session, name);
  }
}

function showSaved({waiting, refused, retryIn}) {
  let text = !test.answers.size ? "" : embedded ? "Kept in this browser." : "Saved.";
  if (waiting) text = "Saving\u2026";
  if (retryIn !== null) {
    const them = waiting === 1 ? "1 rating waits" : `${waiting} ratings wait`;
    text = `Not saved yet: the server does not answer. ${them} in this browser and will be sent by itself. You can go on.`;
  }
  if (refused.length) text = `Not saved: ${refused.at(-1)}. Please tell the person who invited you.`;
  if (!test.keeper.lasting && (embedded || waiting)) text += " This browser keeps nothing: do not close this page.";
  savedNode.dataset.state = refused.length || retryIn !== null ? "unsaved" : waiting ? "saving" : "saved";
  if (savedNode.textContent !== text) savedNode.textContent = text;
  view?.saved?.();
}

/** Shows a screen, with the focus on its heading. */
function show(title, nodes, next = {}) {
  Player.stop();
  view?.leave?.();
  view = next;
  const heading = element("h1", {tabindex: "-1"}, title);
  screenNode.replaceChildren(heading, ...nodes);
  document.title = `${title} \u00B7 Listening test`;
  scrollTo(0, 0);
  heading.focus({preventScroll: true});
}

function minutes(questionnaire, pages) {
  const clips = questionnaire.scales[0].name === "preference" ? 2 : 1;
  const number = Math.ceil((pages * (questionnaire.seconds * clips + SECONDS_TO_RATE)) / 60);
  return number === 1 ? "a minute" : `${number} minutes`;
}

function consentScreen(questionnaire, pages, begin, known) {
  const status = element("p", {role: "status"});
  const agree = button("I agree and begin", async () => {
    agree.disabled = true;
    status.textContent = "";
    try {
      await begin();
    } catch (error) {
      status.textContent = error instanceof RangeError ? error.message : "The server does not answer. Wait a moment and try again.";
      agree.disabled = false;
    }
  }, "main");
  const goOn = known ? [element("p", {class: "note"}, element("a", {href: `/s/${known}/`}, "Go on with the test begun in this browser"))] : [];
  show("Listening test", [
    paragraph(`You will hear up to ${pages} short clips of music, some made by machines, and say what you think of them. It takes about ${minutes(questionnaire, pages)}.`, "lead"),
    paragraph("Use headphones if you can, in a quiet place."),
    element("h2", {}, "What is kept"),
    paragraph("Your ratings, your comments, how often and how long you listened, and when. No name, no account, no address. A random number stands for you."),
    paragraph("Taking part is up to you. You can stop at any time; what you rated before is kept. If you want it deleted, tell the person who invited you, and do not write into comments what should not be read."),
    ...goOn, element("p", {}, agree), status,
  ]);
}

function volumeScreen() {
  const next = button("The volume is right", () => trainingScreen(), "main");
  next.disabled = true;
  const player = new Player(test.clip(test.questionnaire.volume), "the clip for the volume", (state) => { if (state === "playing") next.disabled = false; });
  show("Set your volume", [
    paragraph("Play this clip and set the volume so that it is clear and comfortable. Then leave the volume as it is: all clips are about equally loud.", "lead"),
    player.node, element("p", {}, next),
  ], {player: () => player});
}

function trainingScreen() {
  if (!test.questionnaire.examples.length) {
    beginPages();
    return;
  }
  const status = element("p", {role: "status"});
  const players = [];
  const examples = test.questionnaire.examples.map((example, place) => {
    const player = new Player(test.clip(example.name), `example ${place + 1}`);
    players.push(player);
    const labels = test.questionnaire.scales.filter((scale) => scale.name in example.label).map((scale) => {
      const value = example.label[scale.name];
      return element("li", {}, `${scale.title} `, element("strong", {}, String(value)), `: ${scale.answers[value - 1]}`);
    });
    return element("section", {class: "card", "aria-label": `Example ${place + 1}`}, element("h2", {}, `Example ${place + 1}`), player.node, element("ul", {class: "labels"}, ...labels));
  });
  const go = button("Begin to rate", () => {
    const missing = players.findIndex((player) => !player.heard);
    if (!test.questionnaire.must_hear || missing < 0) {
      beginPages();
      return;
    }
    status.textContent = `Listen to example ${missing + 1} to its end first.`;
    players[missing].button.focus();
  }, "main");
  show("What the ratings mean", [
    paragraph("Every clip gets two ratings, which have nothing to do with each other: a clip can sound clean and make no musical sense, or the other way round.", "lead"),
    ...test.questionnaire.scales.map((scale) => element("p", {}, element("strong", {}, `${scale.title}. `), scale.question)),
    ...examples, element("p", {}, go), status,
  ], {player: () => players.find((player) => player.playing) ?? players.find((player) => !player.heard) ?? players[0]});
}

function beginPages() {
  test.keeper.set("stage", "pages");
  pageScreen(Math.max(0, test.unrated));
}

function scaleNode(scale, page, rate) {
  const pair = scale.name === "preference";
  const options = scale.answers.map((words, place) => {
    const value = place + 1;
    const radio = element("input", {type: "radio", name: scale.name, value, id: `${scale.name}-${value}`, checked: test.answer(page, scale.name)?.value === value});
    radio.addEventListener("change", () => rate(scale.name, value));
    return element("label", {class: "option", for: radio.id}, radio, element("span", {class: "value"}, String(value)), element("span", {class: "words"}, words));
  });
  const group = element("div", {class: pair ? "options pair" : "options", role: "radiogroup", "aria-labelledby": `${scale.name}-title`}, ...options);
  return element("fieldset", {id: scale.name, "aria-describedby": "locked"}, element("legend", {id: `${scale.name}-title`}, scale.title), paragraph(scale.question, "quiet"), group);
}

function pageScreen(place) {
  const {page, clips} = test.pages[place], note = test.note(page), opened = performance.now(), shown = note.shown, heard = note.heard;
  const names = clips.length === 1 ? ["the clip"] : ["the first clip", "the second clip"];
  const locked = element("p", {id: "locked", class: "quiet small"});
  const status = element("p", {role: "status", class: "note-line"});
  const unlocked = () => !test.questionnaire.must_hear || note.plays > 0;
  const counts = [0, 0];
  let last = 0;
  const notice = (number) => (state) => {
    if (!players) return;
    if (state === "playing") last = number;
    if (state === "heard") {
      counts[number] += 1;
      // of two clips the one heard less often counts; what was heard before a reload counts too
      note.plays = before + Math.min(...players.map((_, other) => counts[other]));
    }
    note.heard = Math.round(heard + players.reduce((sum, player) => sum + player.milliseconds, 0));
    test.keepNotes();
    update();
  };
  const before = note.plays;
  let players = null;
  players = clips.map((name, number) => new Player(test.clip(name), names[number], notice(number)));
  const rate = (scale, value) => {
    if (!unlocked()) return;
    note.shown = Math.round(shown + performance.now() - opened);
    test.keepNotes();
    test.rate(page, scale, value, {plays: note.plays, heard_ms: note.heard, rating_ms: note.shown});
    const radio = document.getElementById(`${scale}-${value}`);
    if (radio) radio.checked = true;
    status.textContent = "";
    update();
  };
  const comment = element("textarea", {id: "comment", rows: "2", "aria-describedby": "comment-length"});
  comment.value = note.comment;
  const length = element("p", {id: "comment-length", class: "small quiet", role: "status"});
  let timer = null;
  const keepComment = () => {
    clearTimeout(timer);
    const text = wellFormed(comment.value), over = new TextEncoder().encode(text).length - COMMENT_BYTES;
    comment.setAttribute("aria-invalid", String(over > 0));
    length.textContent = over > 0 ? `Too long by ${over} bytes: not saved.` : "";
    if (over > 0 || text === note.comment) return;
    note.comment = text;
    test.keepNotes();
    for (const scale of test.questionnaire.scales) {
      const answer = test.answer(page, scale.name);
      if (answer) test.rate(page, scale.name, answer.value, {plays: note.plays, heard_ms: note.heard, rating_ms: answer.rating_ms});
    }
  };
  comment.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keepComment, 800); });
  comment.addEventListener("change", keepComment);
  const scales = test.questionnaire.scales.map((scale) => scaleNode(scale, page, rate));
  const next = button(place + 1 < test.pages.length ? "Next" : "Finish", () => go(1), "main");
  const back = button("Back", () => go(-1));
  back.disabled = place === 0;
  const go = (step) => {
    const missing = test.questionnaire.scales.find((scale) => !test.answer(page, scale.name));
    if (step > 0 && missing) {
      status.textContent = unlocked() ? `Rate ${missing.title.toLowerCase()} first.` : locked.textContent;
      return;
    }
    if (place + step < 0) return;
    if (place + step < test.pages.length) pageScreen(place + step);
    else if (test.unrated < 0) finishScreen();
    else pageScreen(test.unrated);
  };
  const update = () => {
    for (const node of scales) node.disabled = !unlocked();
    locked.textContent = unlocked() ? "" : clips.length === 1 ? "Listen to the clip to its end, then rate it." : "Listen to both clips to their ends, then choose.";
    next.setAttribute("aria-disabled", String(!test.complete(page)));
  };
  const done = test.pages.filter((other) => test.complete(other.page)).length;
  show(`${clips.length === 1 ? "Clip" : "Pair"} ${place + 1} of ${test.pages.length}`, [
    element("progress", {class: "whole", max: test.pages.length, value: done, "aria-label": "Pages rated"}),
    ...players.map((player, number) => clips.length === 1 ? player.node : element("section", {class: "card", "aria-label": names[number]}, element("h2", {}, number ? "Second clip" : "First clip"), player.node)),
    locked, ...scales,
    element("label", {for: "comment", class: "small"}, "Comment, if you like"), comment, length,
    element("p", {class: "row"}, back, next), status,
  ], {
    player: (wanted) => wanted === undefined ? players.find((player) => player.playing) ?? players.find((player) => !player.heard) ?? players[last] : players[wanted],
    rate: (number, value) => {
      const scale = test.questionnaire.scales[number];
      if (!scale || value > scale.answers.length) return;
      if (unlocked()) rate(scale.name, value);
      else status.textContent = locked.textContent;
    },
    go,
    leave: keepComment,
  });
  update();
  // the next page's clips are fetched while this one is heard
  for (const name of test.pages[place + 1]?.clips ?? []) new Audio(test.clip(name)).preload = "auto";
}

function ratingsFile() {
  const ratings = [...test.answers.values()].sort((a, b) => a.page - b.page || (a.scale < b.scale ? -1 : 1));
  return {format: "descant-ratings", version: 1, design: test.questionnaire.design, session: test.session, list: test.list, ratings};
}

function finishScreen() {
  const status = element("div", {"aria-live": "polite"});
  const back = button("Look at my ratings again", () => pageScreen(test.pages.length - 1));
  if (embedded) {
    const name = `ratings-${test.session.slice(0, 8)}.json`;
    const file = new Blob([JSON.stringify(ratingsFile(), null, 1)], {type: "application/json"});
    const link = element("a", {href: URL.createObjectURL(file), download: name, class: "button main"}, "Download my ratings");
    status.append(paragraph(`Your ratings are in this browser only. Download the file ${name} and send it back to the person who invited you.`, "lead"), element("p", {}, link));
    show("Thank you", [status, element("p", {}, back)]);
    return;
  }
  let asked = false;
  const saved = async () => {
    const waiting = test.queue.items.length;
    if (waiting) {
      status.replaceChildren(paragraph(`${waiting === 1 ? "1 rating is" : `${waiting} ratings are`} not saved yet. Keep this page open until this says that all are.`, "note"));
      return;
    }
    if (asked) return;
    asked = true;
    try {
      const {code} = await (await server.ask(`/s/${test.session}/session.json`)).json();
      const parts = [paragraph("All your ratings are saved. You can close this page.", "lead")];
      if (code) parts.push(element("p", {}, "Completion code: ", element("strong", {class: "code"}, code)));
      status.replaceChildren(...parts);
    } catch {
      asked = false;
      setTimeout(saved, 2000);
    }
  };
  show("Thank you", [status, element("p", {}, back)], {saved});
  saved();
}

const KEYS = {
  Space: "play or pause",
  "1 \u2026 5": "rate the first scale",
  "Shift + 1 \u2026 5": "rate the second scale",
  "\u2190 \u2192": "page before, next page (within a scale: its values)",
  Enter: "next page",
  Escape: "leave the comment",
  "?": "this help",
};
const PAIR_KEYS = {...KEYS, "1 \u2026 5": undefined, "Shift + 1 \u2026 5": undefined, "A, B": "play the first or the second clip", "1, 2": "prefer the first or the second"};

function showKeys() {
  const keys = test?.questionnaire.scales[0].name === "preference" ? PAIR_KEYS : KEYS;
  const parts = Object.entries(keys).filter(([, words]) => words).flatMap(([key, words]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, words)]);
  document.getElementById("key-list").replaceChildren(...parts);
  document.getElementById("keys").showModal();
}

document.addEventListener("keydown", (event) => {
  const target = event.target, radio = target.type === "radio";
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.getElementById("keys").open) return;
  if (target.tagName === "TEXTAREA" && event.key === "Escape") screenNode.querySelector("h1").focus();
  if (target.tagName === "TEXTAREA" || (target.tagName === "INPUT" && !radio) || !preferences.get("shortcuts", true)) return;
  const pressable = ["BUTTON", "A", "SUMMARY"].includes(target.tagName);
  const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code)?.[1] ?? (/^[1-5]$/.test(event.key) ? event.key : null);
  if (event.key === "?") showKeys();
  else if (digit && view?.rate) view.rate(event.shiftKey ? 1 : 0, Number(digit));
  else if (event.key === " " && !pressable && !(radio && !target.checked)) view?.player?.()?.toggle();
  else if (event.key === "ArrowRight" && !radio) view?.go?.(1);
  else if (event.key === "ArrowLeft" && !radio) view?.go?.(-1);
  else if (event.key === "Enter" && !pressable) view?.go?.(1);
  else if (/^[abAB]$/.test(event.key) && test?.questionnaire.scales[0].name === "preference") view?.player?.("ab".indexOf(event.key.toLowerCase()))?.toggle();
  else return;
  event.preventDefault();
});

addEventListener("beforeunload", (event) => {
  if (test?.queue.items.length) event.preventDefault();
});

function enter(session, given) {
  test = new Test(session, given);
  document.getElementById("foot").hidden = false;
  const link = document.getElementById("link");
  link.value = location.href;
  link.addEventListener("focus", () => link.select());
  document.getElementById("resume").hidden = Boolean(embedded);
  test.queue.flush();
  if (test.unrated < 0) finishScreen();
  else if (test.answers.size || test.keeper.get("stage") === "pages") pageScreen(test.unrated);
  else if (test.questionnaire.volume) volumeScreen();
  else trainingScreen();
}

async function openSession(session) {
  let answer = null;
  try {
    answer = await server.ask(`/s/${session}/session.json`);
    if (answer.ok) {
      enter(session, await answer.json());
      return;
    }
  } catch {
    answer = null;
  }
  const lost = {404: "There is no such session. Open the link as it was given to you.", 410: "This session has ended.", 422: "This link is not whole. Open it as it was given to you."};
  if (answer && lost[answer.status]) {
    show("Listening test", [paragraph(lost[answer.status], "note")]);
    return;
  }
  show("Listening test", [paragraph("The server does not answer. This page tries again by itself.", "note")]);
  setTimeout(() => openSession(session), 2000);
}

function startEmbedded() {
  const {questionnaire, lists} = JSON.parse(embedded.textContent);
  const keeper = new Keeper(`descant/${questionnaire.design.slice(0, 16)}/`);
  const numbers = Object.keys(lists), asked = new URLSearchParams(location.search).get("list");
  // a link to another list is another rater's, who sits at the same computer
  const known = keeper.get(numbers.includes(asked) ? `session/${asked}` : "session");
  if (known && lists[known.list]) {
    enter(known.session, {questionnaire, list: known.list, pages: lists[known.list]});
    return;
  }
  const list = Number(numbers.includes(asked) ? asked : numbers[Math.floor(Math.random() * numbers.length)]);
  consentScreen(questionnaire, lists[list].length, async () => {
    const session = hexadecimal(16);
    for (const name of ["session", `session/${list}`]) keeper.set(name, {session, list});
    enter(session, {questionnaire, list, pages: lists[list]});
  }, null);
}

async function startServed() {
  const session = /^\/s\/([^/]+)\/$/.exec(location.pathname)?.[1];
  if (session) {
    openSession(session);
    return;
  }
  try {
    const {questionnaire, pages} = await server.about();
    const keeper = new Keeper(`descant/${questionnaire.design.slice(0, 16)}/`);
    consentScreen(questionnaire, pages, async () => {
      const begun = await server.begin();
      keeper.set("session", begun);
      location.assign(`/s/${begun}/`);
    }, keeper.get("session", null));
  } catch {
    show("Listening test", [paragraph("The server does not answer. This page tries again by itself.", "note")]);
    setTimeout(startServed, 2000);
  }
}

document.getElementById("help").addEventListener("click", showKeys);
document.getElementById("close-keys").addEventListener("click", () => document.getElementById("keys").close());
const shortcuts = document.getElementById("shortcuts");
shortcuts.checked = preferences.get("shortcuts", true);
shortcuts.addEventListener("change", () => preferences.set("shortcuts", shortcuts.checked));
if (embedded) startEmbedded();
else startServed();
