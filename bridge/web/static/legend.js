"use strict";
// The table below the chart: what each line is, and its figures.

function showLegend() {
  const table = $("legend");
  table.hidden = !drawn || !drawn.entries.length;
  if (table.hidden) return;
  const inputs = () => [...table.querySelectorAll("input, button")];
  const focused = inputs().indexOf(document.activeElement);
  fill(table, drawn.entries.map(legendRow), "");
  if (focused >= 0 && inputs()[focused]) inputs()[focused].focus();
}

function legendRow(entry) {
  const box = element("input");
  const name = named(entry.line);
  const several = drawn.entries.filter((other) => other.line === entry.line).length > 1;
  box.type = "checkbox";
  box.checked = !drawn.hidden.has(entry.key);
  box.setAttribute("aria-label", `Show ${name}${several ? ` ${entry.name}` : ""}`);
  box.addEventListener("change", () => {
    if (box.checked) drawn.hidden.delete(entry.key);
    else drawn.hidden.add(entry.key);
    draw();
  });
  const label = element("label");
  const swatch = element("i", "swatch");
  swatch.style.background = colour(entry);
  label.append(box, swatch, element("span", "", name));
  const last = entry.line.start.length - 1;
  const newest = element("button", "link", last < 0 ? "–" : valueAt(entry, last));
  newest.type = "button";
  newest.disabled = last < 0;
  newest.title = "Explain this number";
  newest.addEventListener("click", () => explain(entry.line, entry.line.start[last]));
  const numbers = (column) => (column || []).filter((value) => typeof value === "number");
  const values = entry.line[entry.name];
  const lowest = numbers(entry.bounded ? values : entry.low || values);
  const highest = numbers(entry.bounded ? values : entry.high || values);
  return row(
    ["series", label],
    ["", shownAs(entry)],
    ["number newest", newest],
    ["number", figure(lowest.length ? lowest.reduce((a, b) => Math.min(a, b)) : null)],
    ["number", figure(highest.length ? highest.reduce((a, b) => Math.max(a, b)) : null)],
  );
}

// A value, and for an estimate the bounds of the bucket that it lies in.
function valueAt(entry, at) {
  const value = entry.line[entry.name][at];
  if (!entry.bounded || value === null || value === undefined) return figure(value);
  return `${figure(value)} (${figure(entry.low[at])} to ${figure(entry.high[at])})`;
}

function when(time) {
  for (const { line } of drawn.entries) {
    const at = line.date && line.date.length ? line.start.indexOf(time) : -1;
    if (at >= 0) return line.date[at];
  }
  if (drawn.answer.resolution === "day") return new Date(time * 1000).toISOString().slice(0, 10);
  return drawn.answer.end - drawn.answer.start > DAY ? moment(time).slice(0, 16) : clock(time);
}

function showAtCursor(plot) {
  const heading = $("legend").tHead.rows[0].cells[2];
  const index = plot.cursor.idx;
  const inside = index !== null && index !== undefined;
  const time = inside ? plot.data[0][index] : null;
  heading.textContent = inside ? when(time) : "Newest";
  const cells = $("legend").querySelectorAll(".newest");
  drawn.entries.forEach((entry, place) => {
    if (drawn.hidden.has(entry.key)) return;
    const at = inside ? entry.line.start.indexOf(time) : entry.line.start.length - 1;
    cells[place].firstChild.textContent = at < 0 ? "–" : valueAt(entry, at);
  });
}
