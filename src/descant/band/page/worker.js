"use strict";
// the worker: it has the network, and plans while the page sounds. Messages in: {weights}, {session}, {plan}.

let network = null, player = null, session = 0;

self.onmessage = ({ data }) => {
  if (data.kind === "network") {
    network = new Network(data.shape, readTensors(data.layout, new Uint8Array(data.weights)));
    // the first plan of a process is its slowest
    new BandPlayer(network, { voice: 0, key: 1n, temperature: 1, topP: 1, context: 8, ownPast: true }).plan([60], 2);
    self.postMessage({ kind: "ready" });
  } else if (data.kind === "session") {
    session = data.session;
    player = new BandPlayer(network, data.settings);
  } else if (data.session === session) {
    player.settings.ownPast = data.ownPast;
    const began = performance.now(), plan = player.plan(data.heard, data.measure);
    const milliseconds = performance.now() - began;
    self.postMessage({ kind: "plan", session, measure: data.measure, plan: Array.from(plan), milliseconds });
  }
};
