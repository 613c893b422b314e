"use strict";
// The chart of rollups, with marks where numbers were restated.

const MOST_SERIES = 12;
const MOST_MARKS = 200;
const FEW = 40;
const RANGES = { "1h": "-1h", "6h": "-6h", "24h": "-24h", "7d": "-7d", "30d": "-30d", "1y": "-1y" };
const COLOURS = [
  "#1c7ed6", "#e8590c", "#2f9e44", "#ae3ec9", "#0c8599", "#e03131",
  "#5c940d", "#6741d9", "#c2255c", "#b08900", "#748094", "#087f5b",
];
const PERCENTILES = ["p50", "p95", "p99"];
const SHOWN = { percentiles: PERCENTILES.join(",") };
const UNITS = ["day", "week", "month"];
let chart = null;
let drawn = null;

function selector(line) {
  const labels = Object.entries(line.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return line.metric + (labels.length ? `{${labels.join(", ")}}` : "");
}

// What tells a series from the others drawn: its source too where they have several.
function named(line) {
  const sources = new Set(drawn.answer.series.map((one) => one.source));
  return sources.size > 1 ? `${selector(line)} from ${line.source}` : selector(line);
}

function wanted() {
  const parameters = { match: asked.match, start: RANGES[asked.range] };
  if (asked.by !== "auto") parameters.resolution = asked.by;
  if (asked.calendar !== "utc" && (asked.by === "auto" || UNITS.includes(asked.by))) parameters.calendar = asked.calendar;
  if (asked.show !== "usual") parameters.aggregate = SHOWN[asked.show] || asked.show;
  return parameters;
}

async function showChart() {
  showChoices();
  const note = $("chart-note");
  try {
    const answer = await ask("/api/v1/rollups", wanted());
    const lines = answer.series.slice(0, MOST_SERIES);
    const restated = await restatements(answer);
    // What was hidden stays hidden when the same question is asked again.
    const question = JSON.stringify(wanted());
    const hidden = drawn && drawn.question === question ? drawn.hidden : new Set();
    const entries = lines.flatMap(entriesOf);
    const earlier = await earlierOf(answer, entries);
    drawn = { answer, lines, entries, earlier, restated, hidden, question };
    note.classList.remove("problem");
    note.textContent = notes(answer, lines).join(" ");
  } catch (error) {
    if (error instanceof Refused) throw error;
    drawn = null;
    note.classList.add("problem");
    note.textContent = error.message;
  }
  draw();
}

function showChoices() {
  for (const button of $("ranges").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === asked.range));
  }
  $("match").value = asked.match;
  $("by").value = asked.by;
  $("show").value = asked.show;
  $("compare").value = asked.compare;
  $("calendar").value = asked.calendar;
  $("calendar").disabled = asked.by === "minute" || asked.by === "hour";
}

function notes(answer, lines) {
  const more = answer.series.length - lines.length;
  const open = new Set(Object.values(answer.open).flat()).size;
  const partial = new Set(Object.values(answer.partial).flat()).size;
  const of = answer.calendar === "utc" ? "" : ` of ${answer.calendar}`;
  return [
    `By ${answer.resolution}${of}: ${answer.reason}.`,
    more > 0 ? `${more} more series are not shown.` : "",
    open ? `${many(open, "window is", "windows are")} not over or not merged yet.` : "",
    compareNote(answer),
    partial ? `${many(partial, "window is", "windows are")} not whole.` : "",
    ...answer.notes.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`),
  ].filter(Boolean);
}

// Of weeks and months the days are asked for, as those are what was restated.
async function restatements(answer) {
  if (!answer.series.length) return [];
  const day = answer.calendar === "utc" ? "day" : `day@${answer.calendar}`;
  const found = await ask("/api/v1/restatements", {
    match: asked.match,
    start: String(answer.start),
    end: String(Math.max(answer.end, answer.start + 1)),
    resolution: UNITS.includes(answer.resolution) ? day : answer.resolution,
    limit: String(MOST_MARKS),
  });
  return found.restatements;
}

function main(line) {
  for (const name of ["avg", "rate", "last", "count"]) if (line.aggregates.includes(name)) return name;
  return line.aggregates[0];
}

// The lines that are drawn of a series: one, or its percentiles. A band around it goes
// from its smallest to its largest sample, or between the bounds of an estimate.
function entriesOf(line) {
  const there = (name) => line.aggregates.includes(name) && line[name].some((value) => value !== null);
  const percentiles = PERCENTILES.filter(there);
  const chosen = percentiles.length && ["usual", "percentiles"].includes(asked.show) ? percentiles : [main(line)];
  return chosen.map((name) => {
    const bounds = line.bounds && line.bounds[name];
    const spread = asked.show === "usual" && !percentiles.length && line.min && line.max;
    const low = bounds ? bounds.lower : (spread ? line.min : null);
    const high = bounds ? bounds.upper : (spread ? line.max : null);
    return { line, name, low, high, bounded: Boolean(bounds), key: `${line.id} ${name}` };
  });
}

function number(value) {
  return typeof value === "number" ? value : null;
}

function columnsOf(entry) {
  const middle = entry.line[entry.name].map(number);
  const columns = entry.low ? [middle, entry.high.map(number), entry.low.map(number)] : [middle];
  return columns.map((values) => [entry.line.start, values]);
}

function aligned(entries, width) {
  const ends = new Map();
  for (const { line } of entries) {
    line.start.forEach((time, at) => ends.set(time, line.end && line.end.length ? line.end[at] : time + width));
  }
  const earlier = entries.map((entry) => drawn.earlier.get(entry.key));
  for (const one of earlier) if (one) endsOfEarlier(one, ends);
  // A gap in time must be a gap in the line, so put an empty point into it.
  const grid = [];
  let end = null;
  for (const time of [...ends.keys()].sort((a, b) => a - b)) {
    if (end !== null && time > end) grid.push(end);
    grid.push(time);
    end = ends.get(time);
  }
  const place = new Map(grid.map((time, at) => [time, at]));
  const told = entries.flatMap((entry, at) => {
    const before = earlier[at];
    return before ? [...columnsOf(entry), [before.start, before.values]] : columnsOf(entry);
  });
  const columns = told.map(([times, values]) => {
    const column = new Array(grid.length).fill(null);
    times.forEach((time, at) => { if (place.has(time)) column[place.get(time)] = values[at]; });
    return column;
  });
  return [grid, ...columns];
}

function visible() {
  return drawn ? drawn.entries.filter((entry) => !drawn.hidden.has(entry.key)) : [];
}

function colour(entry) {
  return COLOURS[drawn.entries.indexOf(entry) % COLOURS.length];
}

function draw() {
  if (chart) chart.destroy();
  chart = null;
  const shown = visible();
  const place = $("chart");
  const points = shown.reduce((sum, entry) => sum + entry.line.start.length, 0);
  const dashed = shown.filter((entry) => drawn.earlier.has(entry.key)).length;
  showLegend();
  if (!points) {
    place.replaceChildren(element("p", "empty", drawn ? "There is nothing in this range." : ""));
    place.setAttribute("aria-label", "No data in this range");
    return;
  }
  place.replaceChildren();
  const series = new Set(shown.map((entry) => entry.line.id)).size;
  place.setAttribute("aria-label", `${series} series, ${points} points${dashed ? `, ${EARLIER[asked.compare]} dashed` : ""}; figures in the table below`);
  chart = new uPlot(options(shown), aligned(shown, drawn.answer.width), place);
  chart.over.addEventListener("click", explainUnderCursor);
}

function options(entries) {
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue("--quiet").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" };
  const series = [{}];
  const bands = [];
  for (const entry of entries) {
    const at = series.length;
    series.push({ stroke: colour(entry), width: 1.6, points: { show: true, size: 4, filter: dots } });
    if (entry.low) {
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      series.push(edge, edge);
      bands.push({ series: [at + 1, at + 2], fill: `${colour(entry)}${entry.bounded ? "1c" : "2e"}` });
    }
    if (drawn.earlier.has(entry.key)) {
      series.push({ stroke: colour(entry), width: 1.4, dash: [6, 5], points: { show: true, size: 3, filter: dots } });
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
      { ...axis, space: 70, values: (_, marks, __, ___, step) => marks.map((at, place) => mark(at, marks[place - 1], step)) },
      { ...axis, size: 64, values: (_, marks) => marks.map(compact) },
    ],
    series,
    bands,
    hooks: { setCursor: [showAtCursor], draw: [placeMarks] },
  };
}

// Points that would not be seen in a line as those beside them are missing, or all where
// they are few.
function dots(plot, place) {
  const values = plot.data[place];
  const there = (at) => values[at] !== null && values[at] !== undefined;
  const all = values.map((_, at) => at).filter(there);
  return all.length <= FEW ? all : all.filter((at) => !there(at - 1) && !there(at + 1));
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

// Marks --------------------------------------------------------------------------------

// A mark for each window of the shown series in which a number was restated.
function placeMarks(plot) {
  for (const old of plot.over.querySelectorAll(".restated")) old.remove();
  const shown = new Set(visible().map((entry) => entry.line.id));
  const windows = new Map();
  for (const one of drawn.restated) {
    if (one.series_id && !shown.has(one.series_id)) continue;
    windows.set(one.start, [...(windows.get(one.start) || []), one]);
  }
  for (const [start, found] of windows) {
    const button = element("button", "restated", "▲");
    button.type = "button";
    button.title = `restated: ${moment(start)}\n${found.map(restatement).join("\n")}`;
    button.setAttribute("aria-label", button.title);
    button.style.left = `${plot.valToPos(start, "x")}px`;
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      const one = found.find((each) => each.series_id);
      const line = one && drawn.lines.find((each) => each.id === one.series_id);
      if (line) explain(line, start);
    });
    plot.over.append(button);
  }
}

function restatement(one) {
  const what = one.series || many(one.rows, "row");
  const changed = Object.keys(one.before || {}).filter((name) => one.after && one.before[name] !== one.after[name]);
  const values = changed.slice(0, 4).map((name) => `${name} ${figure(one.before[name])} → ${figure(one.after[name])}`);
  if (!one.before && one.after) values.push("the row was not there before");
  if (one.before && !one.after) values.push("the row is no longer there");
  return `${what}: ${[one.reason, ...values].filter(Boolean).join("; ")} (on ${moment(one.at)})`;
}
