"use strict";
// The status page: asks the API and shows what it says. Text from the API only ever
// becomes text, never markup.

const REFRESH_MS = 30_000;
const MOST_SERIES = 12;
const DAY = 86_400;
const RANGES = { "1h": "-1h", "6h": "-6h", "24h": "-24h", "7d": "-7d", "30d": "-30d", "1y": "-1y" };
const COLOURS = [
  "#1c7ed6", "#e8590c", "#2f9e44", "#ae3ec9", "#0c8599", "#e03131",
  "#5c940d", "#6741d9", "#c2255c", "#b08900", "#748094", "#087f5b",
];
const KEY = "epimetheus-key";

const $ = (id) => document.getElementById(id);
const question = new URLSearchParams(location.search);
const asked = {
  match: question.get("match") || "node_load1",
  range: RANGES[question.get("range")] ? question.get("range") : "1h",
};
let chart = null;
let drawn = null;

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
  throw new Error(problem.detail);
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

// What tells a series from the others drawn: its source too where they have several.
function told(line) {
  const sources = new Set(drawn.answer.series.map((one) => one.source));
  return sources.size > 1 ? `${selector(line)} from ${line.source}` : selector(line);
}

// Sources -----------------------------------------------------------------------------

function showStatus(status) {
  $("summary").textContent =
    `${status.sources.length === 1 ? "1 source" : `${status.sources.length} sources`}, ` +
    `${size(status.database.bytes)} in ${status.database.engine}`;
  const rows = status.sources.map((source) => {
    const of = Object.fromEntries(source.progress.map((one) => [one.resolution, one]));
    const lag = of.minute ? of.minute.lag : null;
    return row(
      ["", source.name],
      ["", source.kind || "no longer configured"],
      ["number", source.series.toLocaleString("en")],
      [lag !== null && lag > 300 ? "number warn" : "number", duration(lag)],
      ["", states(of.minute)],
      ["", states(of.hour)],
      ["", states(of.day)],
    );
  });
  fill($("sources"), rows, "No source is configured.");
}

function states(progress) {
  if (!progress) return "–";
  const told = Object.entries(progress.windows)
    .filter(([state, count]) => count || state === "done")
    .map(([state, count]) => `${count.toLocaleString("en")} ${state}`);
  return told.join(", ");
}

// Coverage ----------------------------------------------------------------------------

function showCoverage(answer, now) {
  const end = now - (now % 60);
  const start = end - DAY;
  const strips = answer.coverage.map((one) => strip(one, start, end));
  $("coverage").replaceChildren(
    ...(strips.length ? strips : [element("p", "empty", "No source has been read yet.")]),
  );
}

function strip(one, start, end) {
  const counts = one.counts;
  const share = counts.windows ? Math.floor((1000 * counts.done) / counts.windows) / 10 : 0;
  const text = `${share} % of ${counts.windows.toLocaleString("en")} minutes done`;
  const label = element("div", "strip-label");
  label.append(element("span", "", one.source), element("span", "", text));
  const bar = element("div", "strip");
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `${one.source}: ${text}, ${one.holes.length} gaps`);
  if (counts.windows) bar.append(piece("done", counts.start, counts.end, start, end, ""));
  for (const hole of one.holes) {
    bar.append(piece(hole.state, hole.start, hole.end, start, end, hole.reason));
  }
  const times = element("div", "strip-times");
  for (const part of [0, 0.5, 1]) {
    times.append(element("span", "", clock(start + part * (end - start))));
  }
  const made = element("div");
  made.append(label, bar, times);
  return made;
}

function piece(state, from, to, start, end, reason) {
  const made = element("i", state);
  const left = Math.max(0, (from - start) / (end - start));
  const right = Math.min(1, (to - start) / (end - start));
  made.style.left = `${left * 100}%`;
  made.style.width = `${Math.max(0, right - left) * 100}%`;
  made.title = `${state}: ${moment(from)} to ${moment(to)}${reason ? `, ${reason}` : ""}`;
  return made;
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("sv", { hour: "2-digit", minute: "2-digit" });
}

// Events ------------------------------------------------------------------------------

function showEvents(answer) {
  const rows = answer.groups.map((group) => row(
    ["time", moment(group.last_time)],
    ["", `${group.category}: ${group.type}`],
    ["series", group.message],
    ["number", group.occurrences.toLocaleString("en")],
  ));
  fill($("events"), rows, "No errors were recorded.");
}

// Chart -------------------------------------------------------------------------------

async function showChart() {
  for (const button of $("ranges").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === asked.range));
  }
  $("match").value = asked.match;
  const note = $("chart-note");
  try {
    const answer = await ask("/api/v1/rollups", { match: asked.match, start: RANGES[asked.range] });
    // What was hidden stays hidden when the same question is asked again.
    const hidden = drawn && drawn.match === asked.match ? drawn.hidden : new Set();
    drawn = { answer, lines: answer.series.slice(0, MOST_SERIES), hidden, match: asked.match };
    note.classList.remove("problem");
    const more = answer.series.length - drawn.lines.length;
    note.textContent = [
      `By ${answer.resolution}: ${answer.reason}.`,
      more > 0 ? `${more} more series are not shown.` : "",
      ...answer.notes.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`),
    ].filter(Boolean).join(" ");
  } catch (error) {
    if (error instanceof Refused) throw error;
    drawn = null;
    note.classList.add("problem");
    note.textContent = error.message;
  }
  draw();
}

function main(line) {
  for (const name of ["avg", "rate", "last", "count"]) if (line.aggregates.includes(name)) return name;
  return line.aggregates[0];
}

function aligned(lines, width) {
  const times = [...new Set(lines.flatMap((line) => line.start))].sort((a, b) => a - b);
  // A gap in time must be a gap in the line, so put an empty point into it.
  const grid = [];
  for (const time of times) {
    if (grid.length && time - grid[grid.length - 1] > width) grid.push(grid[grid.length - 1] + width);
    grid.push(time);
  }
  const place = new Map(grid.map((time, at) => [time, at]));
  const columns = lines.flatMap((line) => plotted(line).map((name) => {
    const column = new Array(grid.length).fill(null);
    line.start.forEach((time, at) => {
      const value = line[name][at];
      column[place.get(time)] = typeof value === "number" ? value : null;
    });
    return column;
  }));
  return [grid, ...columns];
}

function plotted(line) {
  const band = line.aggregates.includes("min") && line.aggregates.includes("max");
  return band ? [main(line), "max", "min"] : [main(line)];
}

function draw() {
  if (chart) chart.destroy();
  chart = null;
  const shown = drawn ? drawn.lines.filter((line) => !drawn.hidden.has(line.id)) : [];
  const place = $("chart");
  const points = shown.reduce((sum, line) => sum + line.start.length, 0);
  showLegend();
  if (!points) {
    place.replaceChildren(element("p", "empty", drawn ? "There is nothing in this range." : ""));
    place.setAttribute("aria-label", "No data in this range");
    return;
  }
  place.replaceChildren();
  place.setAttribute("aria-label", `${shown.length} series, ${points} points; figures in the table below`);
  chart = new uPlot(options(shown), aligned(shown, drawn.answer.width), place);
}

function options(lines) {
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue("--quiet").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };
  const series = [{}];
  const bands = [];
  for (const line of lines) {
    const colour = COLOURS[drawn.lines.indexOf(line) % COLOURS.length];
    const at = series.length;
    const few = line.start.length < 2;
    series.push({ stroke: colour, width: 1.6, points: { show: few ? true : undefined, size: 4 } });
    if (plotted(line).length === 3) {
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      series.push(edge, edge);
      bands.push({ series: [at + 1, at + 2], fill: `${colour}2e` });
    }
  }
  const { start, end } = drawn.answer;
  return {
    width: $("chart").clientWidth,
    height: 280,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true, range: [start, end] } },
    axes: [
      { ...axis, space: 70, values: (_, marks, __, ___, step) => marks.map((at, number) => mark(at, marks[number - 1], step)) },
      { ...axis, size: 64, values: (_, marks) => marks.map(compact) },
    ],
    series,
    bands,
    hooks: { setCursor: [showAtCursor] },
  };
}

function mark(seconds, before, step) {
  const at = new Date(seconds * 1000);
  const day = at.toLocaleDateString("en", { day: "numeric", month: "short" });
  if (step >= 28 * DAY) return at.toLocaleDateString("en", { month: "short", year: "numeric" });
  if (step >= DAY) return day;
  const newDay = before === undefined || new Date(before * 1000).getDate() !== at.getDate();
  return newDay ? `${clock(seconds)}\n${day}` : clock(seconds);
}

function compact(value) {
  return value === null ? "" : value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 4 });
}

function showLegend() {
  const table = $("legend");
  table.hidden = !drawn || !drawn.lines.length;
  if (table.hidden) return;
  const focused = [...table.querySelectorAll("input")].indexOf(document.activeElement);
  fill(table, drawn.lines.map(legendRow), "");
  if (focused >= 0 && focused < drawn.lines.length) table.querySelectorAll("input")[focused].focus();
}

function legendRow(line) {
  const box = element("input");
  box.type = "checkbox";
  box.checked = !drawn.hidden.has(line.id);
  box.setAttribute("aria-label", `Show ${told(line)}`);
  box.addEventListener("change", () => {
    if (box.checked) drawn.hidden.delete(line.id);
    else drawn.hidden.add(line.id);
    draw();
  });
  const label = element("label");
  const swatch = element("i", "swatch");
  swatch.style.background = COLOURS[drawn.lines.indexOf(line) % COLOURS.length];
  label.append(box, swatch, element("span", "", told(line)));
  const numbers = (column) => (column || []).filter((value) => typeof value === "number");
  const values = line[main(line)];
  const lowest = numbers(line.min || values);
  const highest = numbers(line.max || values);
  return row(
    ["series", label],
    ["", main(line)],
    ["number newest", figure(values[values.length - 1])],
    ["number", figure(lowest.length ? lowest.reduce((a, b) => Math.min(a, b)) : null)],
    ["number", figure(highest.length ? highest.reduce((a, b) => Math.max(a, b)) : null)],
  );
}

function showAtCursor(plot) {
  const heading = $("legend").tHead.rows[0].cells[2];
  const at = plot.cursor.idx;
  const cells = $("legend").querySelectorAll(".newest");
  const inside = at !== null && at !== undefined;
  heading.textContent = inside ? clock(plot.data[0][at]) : "Newest";
  let column = 1;
  drawn.lines.forEach((line, number) => {
    if (drawn.hidden.has(line.id)) return;
    const values = line[main(line)];
    cells[number].firstChild.textContent = figure(inside ? plot.data[column][at] : values[values.length - 1]);
    column += plotted(line).length;
  });
}

// The page ----------------------------------------------------------------------------

async function refresh() {
  try {
    const status = await ask("/api/v1/status");
    showStatus(status);
    $("key-form").hidden = true;
    $("forget").hidden = !sessionStorage.getItem(KEY);
    const [coverage, events] = await Promise.all([
      ask("/api/v1/coverage", { resolution: "minute" }),
      ask("/api/v1/events", { group: "fingerprint", limit: "20" }),
      showChart(),
    ]);
    showCoverage(coverage, status.now);
    showEvents(events);
  } catch (error) {
    if (error instanceof Refused) askForKey(error);
    else $("summary").textContent = `The bridge does not answer: ${error.message}`;
  }
}

function askForKey(refused) {
  $("summary").textContent = refused.status === 401 ? "A key is needed." : "The bridge refused.";
  const surprising = refused.status !== 401 || sessionStorage.getItem(KEY);
  $("key-reason").textContent = surprising ? refused.message : "";
  if ($("key-form").hidden) {
    $("key-form").hidden = false;
    $("key").focus();
  }
}

function start() {
  $("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, $("key").value.trim());
    $("key").value = "";
    refresh();
  });
  $("forget").addEventListener("click", () => {
    sessionStorage.removeItem(KEY);
    location.reload();
  });
  $("chart-form").addEventListener("submit", (event) => {
    event.preventDefault();
    change({ match: $("match").value.trim() });
  });
  $("ranges").addEventListener("click", (event) => {
    if (event.target.dataset.range) change({ range: event.target.dataset.range });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => chart && chart.setSize({ width: $("chart").clientWidth, height: 280 })).observe($("chart"));
  setInterval(() => document.hidden || !$("key-form").hidden || refresh(), REFRESH_MS);
  refresh();
}

function change(wish) {
  Object.assign(asked, wish);
  history.replaceState(null, "", `?${new URLSearchParams(asked)}`);
  showChart().catch(askForKey);
}

start();
