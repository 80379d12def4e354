// What holds the page together: the token, the choice of a run, and which part is shown what.

import { SwarmClient } from "/page/client.js";
import "/page/elements.js";
import { percent, words } from "/page/words.js";

const API = "/api/orchestration";
const TOKEN = "swarm.token";
const part = (name) => document.querySelector(`swarm-${name}`);

/** Exchange the code of the link for a token, which lives as long as this tab. */
async function signIn(asked) {
  const code = asked.get("code");
  if (code) {
    asked.delete("code");
    history.replaceState(null, "", `#${asked}`);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${API}/session`, { method: "POST", headers, body: JSON.stringify({ code }) });
    if (answer.ok) sessionStorage.setItem(TOKEN, (await answer.json()).token);
  }
  return sessionStorage.getItem(TOKEN);
}

/** False only where the server says that the token is not good. */
async function allowed(token) {
  try {
    const answer = await fetch(`${API}/runs`, { headers: { Authorization: `Bearer ${token}` } });
    return answer.status !== 401;
  } catch {
    return true; // nobody answers: that says nothing about the token
  }
}

/** The events of a run that follow a number; none where nobody answers, as they are only a look back. */
async function past(token, { run, after, limit }) {
  try {
    const path = `${API}/runs/${encodeURIComponent(run)}/events?after=${after}&limit=${limit}`;
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` } });
    return answer.ok ? await answer.json() : [];
  } catch {
    return [];
  }
}

class Page {
  constructor(client, asked) {
    this.client = client;
    this.asked = asked; // the run that a person chose; none: the newest is followed
    this.trouble = "";
    this.spoken = "";
    client.addEventListener("connection", () => this.connected());
    client.addEventListener("runs", () => this.listed());
    client.addEventListener("run", () => this.soon());
    client.addEventListener("trouble", (event) => this.troubled(event.detail));
    part("runs").addEventListener("choose", (event) => this.choose(event.detail));
    setInterval(() => this.soon(), 1000); // seconds that pass are shown
  }

  choose(run) {
    this.asked = run;
    this.trouble = "";
    history.replaceState(null, "", `#${new URLSearchParams({ run })}`);
    this.client.choose(run);
    this.listed();
  }

  connected() {
    part("connection").value = this.client.state;
    this.soon();
  }

  listed() {
    const wanted = this.asked ?? this.client.runs[0]?.run_id;
    if (wanted && wanted !== this.client.run) this.client.choose(wanted);
    part("runs").value = { runs: this.client.runs, chosen: this.client.view?.run_id ?? wanted };
    this.soon();
  }

  troubled(message) {
    this.trouble = message;
    this.soon();
  }

  /** Draw once with the next frame, however much was told before it; a hidden page waits. */
  soon() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.draw();
    });
  }

  draw() {
    const { view, events, skew } = this.client;
    part("notices").value = this.notices();
    if (!view) return;
    const now = Date.now() / 1000 + skew;
    part("overview").value = { view, now, status: this.status() };
    part("requirements").value = { view, now };
    part("agents").value = view.agents;
    part("events").value = events;
    this.speak();
  }

  status() {
    const { view, alive } = this.client;
    const { status } = view.progress;
    return !alive && ["running", "paused"].includes(status) ? "interrupted" : status;
  }

  notices() {
    const { view, state, runs } = this.client;
    const found = [];
    if (state === "refused") found.push({ kind: "bad", title: "Not signed in.", text: "Open the link that this command prints:", command: "swarm dashboard" });
    if (this.trouble) found.push({ kind: "bad", title: "Trouble.", text: this.trouble });
    if (!view) {
      if (state === "live" && runs.length === 0) found.push({ kind: "calm", title: "No run yet.", text: "This page shows it as soon as one begins:", command: "swarm run requirements.yaml" });
      return found;
    }
    if (this.status() === "interrupted") found.push({ kind: "warn", title: "Interrupted.", text: "Nobody executes this run; it goes on with", command: `swarm resume ${view.run_id}` });
    for (const { reason, items } of view.progress.questions) found.push({ kind: "warn", title: "A person is asked.", text: `${reason} (${items.join(", ")})` });
    for (const { where, message, remedy } of view.progress.errors.slice(-2)) found.push({ kind: "bad", title: `${where}:`, text: remedy ? `${message} – ${remedy}` : message });
    return found;
  }

  /** Say the figures to a screen reader, but only when a requirement or the run changed its status. */
  speak() {
    const { view } = this.client;
    const counts = Object.entries(view.progress.requirements).map(([name, count]) => `${count} ${words(name)}`).join(", ");
    const sentence = `${view.project} is ${words(this.status())}. Requirements: ${counts}.`;
    document.title = `${percent(view.progress.percent)}% · ${view.project}`;
    if (sentence === this.spoken) return;
    this.spoken = sentence;
    document.getElementById("spoken").textContent = sentence;
  }
}

async function begin() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const token = await signIn(asked);
  if (!token) {
    part("connection").value = "refused";
    part("notices").value = [{ kind: "bad", title: "Not signed in.", text: "Open the link that this command prints; each works once:", command: "swarm dashboard" }];
    return;
  }
  const port = document.querySelector("meta[name=websocket]").content;
  const client = new SwarmClient({
    url: `ws://${location.hostname}:${port}`,
    token,
    allowed: () => allowed(token),
    past: (run, after, limit) => past(token, { run, after, limit }),
  });
  const page = new Page(client, asked.get("run"));
  page.connected();
  client.start();
}

begin();
