// The parts of the page. Each is given what it shows by its property `value`, and tells by custom events what a person did.

import { html, show } from "/page/html.js";
import { clock, duration, etaRange, percent, told, tone, words } from "/page/words.js";

class Part extends HTMLElement {
  set value(value) {
    show(this, this.markup(value));
  }
}

const MANY = 400;
const CONNECTION = {
  connecting: ["calm", "connecting"],
  live: ["good", "live"],
  waiting: ["warn", "connection lost, trying again"],
  refused: ["bad", "not signed in"],
};

class Connection extends Part {
  markup(state) {
    const [kind, sentence] = CONNECTION[state];
    return html`<span class="dot is-${kind}"></span><span>${sentence}</span>`;
  }
}

class Runs extends Part {
  connectedCallback() {
    this.addEventListener("change", (event) => {
      this.dispatchEvent(new CustomEvent("choose", { detail: event.target.value }));
    });
  }

  markup({ runs, chosen }) {
    if (runs.length === 0) return html``;
    return html`<label><span class="visually-hidden">Run</span><select>${runs.map((run) => this.option(run, chosen))}</select></label>`;
  }

  set value(value) {
    super.value = value;
    const select = this.querySelector("select");
    if (select && value.chosen) select.value = value.chosen;
  }

  option(run, chosen) {
    const status = run.status === "running" && !run.alive ? "interrupted" : words(run.status);
    const rehearsal = run.rehearsal ? " · rehearsal" : "";
    return html`<option data-key="${run.run_id}" value="${run.run_id}" ${run.run_id === chosen ? html`selected` : ""}>${run.project} · ${run.run_id} · ${status}${rehearsal}</option>`;
  }
}

class Notices extends Part {
  markup(notices) {
    return html`${notices.map(({ kind, title, text, command }) => html`<p class="notice is-${kind}" data-key="${title}${text}"><strong>${title}</strong> ${text} ${command && html`<code>${command}</code>`}</p>`)}`;
  }
}

class Overview extends Part {
  markup({ view, status, now }) {
    const { progress } = view;
    return html`<section class="panel overview ${tone(status)}" aria-label="The run as a whole">
      <div class="overview-head">
        <h1>${view.project}</h1>
        ${view.rehearsal && html`<span class="chip rehearsal is-warn">REHEARSAL</span>`}
        <span class="chip ${tone(status)}" data-part="status">${words(status)}</span>
      </div>
      <div class="overview-figure">
        <span class="percent" data-part="percent">${percent(progress.percent)}<small>%</small></span>
        <ul class="facts">
          ${progress.eta && html`<li><b>${etaRange(progress.eta)}</b></li>`}
          ${progress.started && html`<li>${progress.ended ? "took" : "running for"} <b>${duration((progress.ended ?? now) - progress.started)}</b></li>`}
          <li><b>${progress.proved} of ${progress.criteria}</b> criteria proved</li>
        </ul>
      </div>
      <progress class="tall ${tone(status)}" max="100" value="${progress.percent}" aria-label="Progress of the run"></progress>
      <ul class="squares ${view.items.length > 120 ? "many" : ""}" aria-hidden="true">${view.items.slice(0, MANY).map((item) => html`<li class="${tone(item.status)}" title="${item.id}: ${words(item.status)}"></li>`)}</ul>
      <ul class="facts" aria-label="Work items by status">${Object.entries(progress.items).map(([name, count]) => html`<li class="${tone(name)}" data-key="${name}"><span class="dot"></span><b>${count}</b> ${words(name)}</li>`)}</ul>
    </section>`;
  }
}

class Requirements extends HTMLElement {
  connectedCallback() {
    this.cards = document.createElement("div");
    this.cards.className = "cards";
    this.append(this.cards);
    this.shown = new Map();
  }

  /** Only the cards whose requirement or items changed are looked at. */
  set value({ view, now }) {
    const items = new Map(view.items.map((item) => [item.id, item]));
    const gone = new Set(this.shown.keys());
    for (const requirement of view.requirements) {
      gone.delete(requirement.id);
      this.place(requirement, requirement.items.map((id) => items.get(id)), now);
    }
    for (const id of gone) {
      this.shown.get(id).element.remove();
      this.shown.delete(id);
    }
  }

  place(requirement, items, now) {
    const known = this.shown.get(requirement.id);
    const ticking = items.some((item) => item.due || item.status === "running");
    if (known?.requirement === requirement && !ticking) return;
    const element = known?.element ?? this.cards.appendChild(document.createElement("article"));
    element.className = `card panel ${tone(requirement.status)}`;
    element.dataset.requirement = requirement.id;
    show(element, card(requirement, items, now));
    this.shown.set(requirement.id, { element, requirement });
  }
}

function card(requirement, items, now) {
  const proved = requirement.criteria.filter((one) => one.status === "proved").length;
  const proof = requirement.criteria.length ? `${proved} of ${requirement.criteria.length} criteria proved` : "no criteria";
  return html`
    <div class="card-head"><span class="mono muted">${requirement.id}</span>${["critical", "high"].includes(requirement.priority) && html`<span class="muted">${requirement.priority}</span>`}<span class="chip ${tone(requirement.status)}">${words(requirement.status)}</span></div>
    <h3>${requirement.title}</h3>
    <div class="card-bar"><progress max="100" value="${requirement.percent}" aria-label="Progress of ${requirement.id}"></progress><span>${percent(requirement.percent)}%</span></div>
    ${requirement.reason && html`<p class="reason">${requirement.reason}</p>`}
    ${items.map((item) => doing(item, now))}
    <details><summary><span>${requirement.agents.join(", ")}</span><span class="proof">${proof}</span></summary>
      <ul class="criteria">${requirement.criteria.map(criterion)}</ul>
    </details>`;
}

function doing(item, now) {
  if (item.status === "running") return html`<p class="doing">${item.message || "at work"} · ${duration(now - item.started)}</p>`;
  if (item.status === "reported") return html`<p class="doing">the checks are running</p>`;
  if (item.reused) return html`<p class="doing">taken over from run ${item.reused}</p>`;
  if (item.due && item.status === "retry_waiting") return html`<p class="doing is-warn"><span class="reason">${item.reason}</span> · next try in ${duration(item.due - now)}</p>`;
  return "";
}

const MARKS = { proved: ["good", "✓"], failed: ["bad", "✗"], unproved: ["calm", "○"] };

function criterion(one) {
  const [kind, mark] = MARKS[one.status] ?? MARKS.unproved;
  return html`<li class="is-${kind}"><span class="mark" aria-hidden="true">${mark}</span><span>${one.title}<span class="visually-hidden">, ${one.status}</span></span></li>`;
}

class Agents extends Part {
  markup(agents) {
    return html`<div class="panel agents"><table>
      <thead><tr><th scope="col">Agent</th><th scope="col" class="number">Items</th><th scope="col" class="number">Verified</th><th scope="col" class="number">Failed</th></tr></thead>
      <tbody>${agents.map((agent) => html`<tr data-key="${agent.name}"><th scope="row">${agent.name}${agent.running.length > 0 && html`<small>at work on ${agent.running.map((id) => id.split("/")[0]).join(", ")}</small>`}</th><td class="number">${agent.items}</td><td class="number">${agent.verified}</td><td class="number">${agent.failed}</td></tr>`)}</tbody>
    </table></div>`;
  }
}

class Events extends Part {
  markup(events) {
    return html`<ol class="panel events" tabindex="0" aria-label="Events, the newest first">${worthTelling(events).map(line)}</ol>`;
  }
}

/** Of what an agent says only the latest is news, and that an item is ready is told by its beginning. */
function worthTelling(events) {
  const heard = new Set();
  return events.filter(({ type, data }) => {
    if (type !== "attempt_progressed") return type !== "item_ready";
    const first = !heard.has(data.item);
    heard.add(data.item);
    return first;
  });
}

function line(event) {
  const { tone: kind, sentence } = told(event);
  return html`<li class="${kind}" data-key="${event.stream}-${event.seq}"><time>${clock(event.at)}</time><span class="dot"></span><span>${sentence}</span></li>`;
}

for (const [name, part] of Object.entries({ connection: Connection, runs: Runs, notices: Notices, overview: Overview, requirements: Requirements, agents: Agents, events: Events })) {
  customElements.define(`swarm-${name}`, part);
}
