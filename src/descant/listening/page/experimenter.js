"use strict";
// Progress for the experimenter. The token stands after # in the link, which browsers do not send; it goes in a header.

const token = location.hash.slice(1);
const statusNode = document.getElementById("status");
const EVERY = 5000;

async function ask(path, method = "GET", content = undefined) {
  const headers = {Authorization: `Bearer ${token}`};
  if (content !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/experimenter/${path}`, {method, headers, body: content === undefined ? undefined : JSON.stringify(content)});
  if (answer.status === 401) throw new Error("The link's token is not right. Open the link that the server printed.");
  if (!answer.ok) throw new Error(`The server refused (${answer.status}).`);
  return answer;
}

// texts only: nothing that a rater wrote is ever read as HTML
function cell(content, kind) {
  const made = document.createElement("td");
  if (kind) made.className = kind;
  made.append(...[content].flat());
  return made;
}

function fill(id, rows) {
  document.getElementById(id).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  }));
}

function action(words, name, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words;
  button.setAttribute("aria-label", `${words} ${name}`);
  button.addEventListener("click", () => attempt(act));
  return button;
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    statusNode.textContent = error instanceof TypeError ? "The server does not answer." : error.message;
  }
}

function sessionRow(session) {
  const name = session.session.slice(0, 8), path = `sessions/${session.session}`;
  const toggle = action(session.excluded ? "Include" : "Exclude", name, async () => {
    const reason = prompt(session.excluded ? "Why does it count again?" : "Why is it set aside?", "");
    if (reason === null) return;
    await ask(`${path}/excluded`, "POST", {excluded: !session.excluded, reason});
    await refresh();
  });
  const remove = action("Delete", name, async () => {
    if (!confirm(`Delete session ${name} with all its ratings and comments, for good?`)) return;
    await ask(path, "DELETE");
    await refresh();
  });
  const begun = new Date(session.created * 1000).toLocaleString();
  return [cell(name), cell(session.code), cell(String(session.list), "figure"), cell(begun),
    cell(`${session.rated} of ${session.needed}`, "figure"), cell(session.excluded ? "no" : "yes"), cell([toggle, " ", remove])];
}

async function refresh() {
  const state = await (await ask("state.json")).json();
  const finished = state.lists.reduce((sum, list) => sum + list.finished, 0);
  document.getElementById("simulated").hidden = state.source !== "simulated";
  const waiting = state.deletions_in_journal;
  const journal = waiting ? ` ${waiting === 1 ? "A deletion is" : `${waiting} deletions are`} not finished: another program reads the file of ratings, so its journal still holds what was deleted. It is tried again until it is done.` : "";
  const summary = `${finished} of ${state.planned} planned raters have finished; ${state.ratings} ratings.${journal}`;
  if (statusNode.textContent !== summary) statusNode.textContent = summary;
  fill("means", state.means.map((mean) => [cell(mean.system), cell(mean.kind), cell(mean.scale), cell(mean.mean.toFixed(2), "figure"), cell(String(mean.n), "figure")]));
  fill("sessions", state.sessions.map(sessionRow));
  fill("lists", state.lists.map((list) => [cell(String(list.list), "figure"), cell(String(list.begun), "figure"), cell(String(list.finished), "figure")]));
  document.getElementById("comments").replaceChildren(...state.comments.map((comment) => {
    const quote = document.createElement("blockquote"), of = document.createElement("p");
    of.className = "quiet small";
    of.textContent = comment.system;
    quote.append(comment.comment, of);
    return quote;
  }));
}

async function download(name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await ask(name)).blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

document.getElementById("refresh").addEventListener("click", () => attempt(refresh));
for (const button of document.querySelectorAll("[data-file]")) button.addEventListener("click", () => attempt(() => download(button.dataset.file)));
document.getElementById("stop").addEventListener("click", () => attempt(async () => {
  if (!confirm("Stop the server? Raters who are under way keep what they rated, and can go on when it runs again.")) return;
  await ask("stop", "POST");
  statusNode.textContent = "The server is stopped.";
  clearInterval(timer);
}));
// a table is not replaced under the fingers of someone who uses it
const timer = setInterval(() => document.activeElement.closest("tbody") || attempt(refresh), EVERY);
attempt(refresh);
