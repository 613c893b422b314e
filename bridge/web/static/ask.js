"use strict";
// Asks the API, and makes rows and words of what it says. Text from the API only ever
// becomes text, never markup.

const DAY = 86_400;
const KEY = "epimetheus-key";
const $ = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function ask(path, parameters) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(parameters || {})) url.searchParams.set(name, value);
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const response = await fetch(url, { headers, cache: "no-store" });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  if (response.status === 401 || response.status === 403) throw new Refused(response.status, problem.detail);
  throw Object.assign(new Error(problem.detail), { status: response.status });
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function row(...cells) {
  const made = element("tr");
  for (const [className, content] of cells) {
    const cell = element("td", className);
    cell.append(content instanceof Node ? content : element("span", "", content));
    made.append(cell);
  }
  return made;
}

function fill(table, rows, nothing) {
  const body = table.tBodies[0];
  const labels = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  for (const made of rows) {
    [...made.cells].forEach((cell, at) => { cell.dataset.label = labels[at]; });
  }
  if (rows.length) body.replaceChildren(...rows);
  else {
    const cell = element("td", "empty", nothing);
    cell.colSpan = table.tHead.rows[0].cells.length;
    const only = element("tr");
    only.append(cell);
    body.replaceChildren(only);
  }
}

function duration(seconds) {
  if (seconds === null) return "–";
  for (const [unit, length] of [["d", DAY], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${Math.round(seconds)} s`;
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (bytes >= 1024 && at < units.length - 1) { bytes /= 1024; at += 1; }
  return `${bytes.toFixed(at && bytes < 100 ? 1 : 0)} ${units[at]}`;
}

function figure(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : value;
  if (value !== 0 && (Math.abs(value) >= 1e9 || Math.abs(value) < 1e-4)) return value.toExponential(3);
  return value.toLocaleString("en", { maximumSignificantDigits: 6 });
}

function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString("sv");
}

function selector(line) {
  const labels = Object.entries(line.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return line.metric + (labels.length ? `{${labels.join(", ")}}` : "");
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("sv", { hour: "2-digit", minute: "2-digit" });
}

function many(count, one, more) {
  return count === 1 ? `1 ${one}` : `${count.toLocaleString("en")} ${more || `${one}s`}`;
}

function percent(share) {
  if (share === null) return "–";
  const value = 100 * share;
  const shown = Number(value.toFixed(value < 1 || value > 99 ? 3 : 1));
  // What is not all is not told as all, nor something as nothing.
  if (shown === 0 && value > 0) return "< 0.001 %";
  if (shown === 100 && value < 100) return "> 99.999 %";
  return `${shown} %`;
}
