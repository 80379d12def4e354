// How text becomes elements: whatever is put into an html`...` template is escaped, so text never is markup.

const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

class Markup {
  constructor(text) {
    this.text = text;
  }
}

export function escape(value) {
  return String(value ?? "").replace(/[&<>"']/g, (sign) => SIGNS[sign]);
}

/** Markup from a template: values are escaped, other markup is taken as it is, lists are joined, false is nothing. */
export function html(strings, ...values) {
  const inserted = values.map(text);
  return new Markup(strings.reduce((whole, part, place) => whole + inserted[place - 1] + part));
}

function text(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(text).join("");
  return value === false || value === null || value === undefined ? "" : escape(value);
}

/** Make an element's children what the markup says, touching only what differs: focus, scroll and open details stay. */
export function show(element, markup) {
  const template = document.createElement("template");
  template.innerHTML = markup.text;
  matchChildren(element, template.content);
}

function matchChildren(element, wanted) {
  const keyed = new Map([...element.children].filter((one) => one.dataset.key).map((one) => [one.dataset.key, one]));
  let place = element.firstChild;
  for (const next of [...wanted.childNodes]) {
    const kept = keyed.get(next.dataset?.key) ?? (place && !place.dataset?.key && !next.dataset?.key ? place : null);
    if (kept && kept.nodeName === next.nodeName) {
      if (kept !== place) element.insertBefore(kept, place);
      else place = place.nextSibling;
      match(kept, next);
    } else {
      element.insertBefore(next, place);
    }
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function match(kept, next) {
  if (kept.nodeType === Node.TEXT_NODE) {
    if (kept.data !== next.data) kept.data = next.data;
    return;
  }
  if (kept.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name } of [...kept.attributes]) {
    if (name !== "open" && !next.hasAttribute(name)) kept.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (kept.getAttribute(name) !== value) kept.setAttribute(name, value);
  }
  matchChildren(kept, next);
}
