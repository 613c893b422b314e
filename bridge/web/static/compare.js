"use strict";
// The same time a day or a week earlier, drawn dashed in the same chart.

const EARLIER = { yesterday: "yesterday", last_week: "last week" };
const COMPARED = ["minute", "hour", "day"];

// By the key of each drawn line, what was at the same time before, and by how much it
// changed since. Nothing where nothing is to be compared.
async function earlierOf(answer, entries) {
  const found = new Map();
  if (!EARLIER[asked.compare] || !COMPARED.includes(answer.resolution)) return found;
  const names = [...new Set(entries.map((entry) => entry.name))];
  const answers = await Promise.all(names.map((name) => ask("/api/v1/compare", comparison(answer, name))));
  answers.forEach((compared, at) => {
    for (const line of compared.series) {
      found.set(`${line.id} ${names[at]}`, { start: compared.start, end: compared.current.end, values: line.before.map(number), summary: line.summary });
    }
  });
  return found;
}

function comparison(answer, aggregate) {
  const parameters = {
    match: asked.match,
    start: String(answer.start),
    end: String(answer.end),
    compare_to: asked.compare,
    resolution: answer.resolution,
    aggregate,
  };
  if (answer.calendar !== "utc") parameters.calendar = answer.calendar;
  return parameters;
}

function compareNote(answer) {
  if (!EARLIER[asked.compare]) return "";
  if (!COMPARED.includes(answer.resolution)) return `${answer.resolution[0].toUpperCase()}${answer.resolution.slice(1)}s are not compared.`;
  return `Dashed is ${EARLIER[asked.compare]}.`;
}

function endsOfEarlier(earlier, ends) {
  earlier.start.forEach((time, at) => {
    if (!ends.has(time) && earlier.values[at] !== null) ends.set(time, at + 1 < earlier.start.length ? earlier.start[at + 1] : earlier.end);
  });
}

// What a line is, and by how much it changed.
function shownAs(entry) {
  const earlier = drawn.earlier.get(entry.key);
  if (!earlier) return entry.name;
  const { change_percent: percent, reason } = earlier.summary;
  if (percent === null) return `${entry.name}, ${reason}`;
  const sign = percent > 0 ? "+" : "";
  return `${entry.name}, ${sign}${percent.toLocaleString("en", { maximumFractionDigits: 1 })} % since ${EARLIER[asked.compare]}`;
}
