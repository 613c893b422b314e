"use strict";
// The map of holes: for each source a row of every hour or day, a cell for each minute or
// hour, and a strip for days.

const VIEWS = {
  day: { resolution: "minute", row: 3600, rows: 24, of: "minute" },
  month: { resolution: "hour", row: DAY, rows: 31, of: "hour" },
};
const SVG = "http://www.w3.org/2000/svg";
const LISTED = 12;

async function showHoles(now) {
  const view = VIEWS[asked.holes];
  for (const button of $("hole-views").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.holes === asked.holes));
  }
  const end = (Math.floor(now / view.row) + 1) * view.row;
  const start = end - view.rows * view.row;
  const wanted = [ask("/api/v1/coverage", { resolution: view.resolution, start: String(start) })];
  if (asked.holes === "month") wanted.push(ask("/api/v1/coverage", { resolution: "day", start: String(start) }));
  const answers = await Promise.all(wanted);
  const grids = answers[0].coverage.map((one) => {
    const days = answers[1] ? answers[1].coverage.filter((other) => other.source === one.source) : [];
    return sourceHoles(one, days, view, start, end);
  });
  $("coverage").replaceChildren(
    ...(grids.length ? grids : [element("p", "empty", "No source has been read yet.")]),
  );
  showHoleList(answers.flatMap((answer) => answer.coverage));
}

function sourceHoles(one, days, view, start, end) {
  const text = done(one, view.of);
  const label = element("div", "strip-label");
  label.append(element("span", "", one.source), element("span", "", text));
  const made = element("div", "holes");
  made.append(label, grid(one, text, view, start, end));
  for (const each of days) made.append(strip(each, start, end));
  return made;
}

function done(one, unit, of = "") {
  const { counts } = one;
  if (!counts.windows) return `no ${unit}s${of} yet`;
  const share = Math.floor((1000 * counts.done) / counts.windows) / 10;
  return `${share} % of ${many(counts.windows, unit)}${of} done`;
}

function spans(one) {
  const found = one.counts.windows ? [{ start: one.counts.start, end: one.counts.end, state: "done", reason: "" }] : [];
  const deleted = one.holes.filter((hole) => hole.state === "expired").map((hole) => hole.end);
  const start = Math.max(one.start, ...deleted);
  if (one.counts.start > start) found.unshift({ start, end: one.counts.start, state: "before", reason: "" });
  return [...found, ...one.holes];
}

function told(span) {
  const words = span.state === "before" ? "before the first window" : span.state;
  return `${words}: ${moment(span.start)} to ${moment(span.end)}${span.reason ? `, ${span.reason}` : ""}`;
}

function grid(one, text, view, start, end) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${view.row} ${view.rows}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${one.source}: ${text}, ${many(one.holes.length, "hole")}`);
  for (const span of spans(one)) {
    const first = Math.max(start, span.start);
    const last = Math.min(end, span.end);
    for (let row = Math.floor((first - start) / view.row); start + row * view.row < last; row += 1) {
      const from = Math.max(first, start + row * view.row);
      const to = Math.min(last, start + (row + 1) * view.row);
      svg.append(cell(span, from - start - row * view.row, to - from, row));
    }
  }
  const times = element("div", "holes-times");
  const step = asked.holes === "day" ? 4 : 5;
  for (let row = 0; row < view.rows; row += step) {
    const name = element("span", "", rowName(start + row * view.row));
    name.style.top = `${(100 * row) / view.rows}%`;
    times.append(name);
  }
  const made = element("div", `holes-grid ${asked.holes}`);
  made.append(times, svg);
  return made;
}

function rowName(seconds) {
  if (asked.holes === "day") return clock(seconds);
  return new Date(seconds * 1000).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" });
}

function cell(span, left, width, row) {
  const made = document.createElementNS(SVG, "rect");
  made.setAttribute("class", span.state);
  made.setAttribute("x", String(left));
  made.setAttribute("y", String(row + 0.06));
  made.setAttribute("width", String(width));
  made.setAttribute("height", "0.88");
  const title = document.createElementNS(SVG, "title");
  title.textContent = told(span);
  made.append(title);
  return made;
}

function strip(one, start, end) {
  const text = one.calendar === "utc" ? done(one, "day") : done(one, "day", ` of ${one.calendar}`);
  const bar = element("div", "strip");
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `${one.source}: ${text}, ${many(one.holes.length, "hole")}`);
  for (const span of spans(one)) {
    const made = element("i", span.state);
    const left = Math.max(0, (span.start - start) / (end - start));
    const right = Math.min(1, (span.end - start) / (end - start));
    made.style.left = `${left * 100}%`;
    made.style.width = `${Math.max(0, right - left) * 100}%`;
    made.title = told(span);
    bar.append(made);
  }
  const made = element("div");
  made.append(element("div", "strip-name", text), bar);
  return made;
}

function showHoleList(covered) {
  const unit = (one) => (one.calendar === "utc" ? `${one.resolution}s` : `${one.resolution}s of ${one.calendar}`);
  const holes = covered.flatMap((one) => one.holes.map((hole) => ({ ...hole, of: one })));
  holes.sort((a, b) => b.start - a.start);
  const shown = holes.slice(0, LISTED).map((hole) => row(
    ["", `${hole.of.source}, ${unit(hole.of)}`],
    ["time", moment(hole.start)],
    ["time", moment(hole.end)],
    ["", hole.state === "expired" ? "deleted by age" : hole.state],
    ["", hole.reason || "–"],
  ));
  fill($("holes"), shown, "Nothing is missing.");
  const cut = covered.some((one) => one.truncated) ? "more than " : "";
  $("holes-summary").textContent = holes.length
    ? `${cut}${many(holes.length, "hole")}${holes.length > LISTED ? `, the newest ${LISTED} of them` : ""}`
    : "No holes";
}
