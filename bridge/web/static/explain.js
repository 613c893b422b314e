"use strict";
// What one number is made of: the answer of /api/v1/explain in plain words.

function explainUnderCursor() {
  const { idx: index, top } = chart.cursor;
  if (index === null || index === undefined) return;
  const time = chart.data[0][index];
  let nearest = null;
  for (const entry of visible()) {
    const at = entry.line.start.indexOf(time);
    const value = at < 0 ? null : number(entry.line[entry.name][at]);
    if (value === null) continue;
    const distance = Math.abs(chart.valToPos(value, "y") - top);
    if (!nearest || distance < nearest.distance) nearest = { line: entry.line, distance };
  }
  if (nearest) explain(nearest.line, time);
}

// A selector of this series alone: labels that others of its name have are empty.
function exactly(line) {
  const others = drawn.answer.series.filter((one) => one.metric === line.metric);
  const labels = { ...line.labels };
  for (const other of others) for (const name of Object.keys(other.labels)) labels[name] = labels[name] || "";
  return selector({ ...line, labels });
}

async function explain(line, time) {
  const panel = $("explain");
  const body = $("explain-body");
  const { resolution, calendar } = drawn.answer;
  $("explain-title").textContent = `${selector(line)} at ${when(time)}`;
  panel.hidden = false;
  if (calendar !== "utc" || ["week", "month"].includes(resolution)) {
    body.replaceChildren(element("p", "", "Weeks, months and the days of a calendar are merged from others when they are asked for. Choose days of UTC, hours or minutes to have a number explained."));
    return;
  }
  body.replaceChildren(element("p", "empty", "Asking …"));
  try {
    const answer = await ask("/api/v1/explain", { match: exactly(line), source: line.source, start: String(time), resolution });
    body.replaceChildren(...explained(answer));
  } catch (error) {
    if (error instanceof Refused) return askForKey(error);
    body.replaceChildren(element("p", "problem", error.message));
  }
  panel.scrollIntoView({ block: "nearest" });
}

function explained(answer) {
  const parts = [element("p", "quiet", `${answer.resolution} from ${moment(answer.start)} to ${moment(answer.end)}, source ${answer.series.source}, ${answer.series.kind}`)];
  parts.push(list(answer.words));
  const { ledger } = answer;
  if (ledger) {
    const why = ledger.reason ? `: ${ledger.reason}` : "";
    parts.push(element("p", "", `The ledger says ${ledger.state}${why}. Computed ${many(ledger.revision, "time")}, last on ${moment(ledger.computed_at)}.`));
  }
  if (answer.restatements.length) parts.push(element("h3", "", "Restated"), list(answer.restatements.map(restatement)));
  if (answer.corrections.length) {
    parts.push(element("h3", "", "Corrections"), list(answer.corrections.map((one) => `${one.note} (${one.state}, by ${one.author})`)));
  }
  if (answer.finer.length) parts.push(finer(answer));
  return parts;
}

function list(texts) {
  const made = element("ul");
  made.append(...texts.map((text) => element("li", "", text)));
  return made;
}

function finer(answer) {
  const made = element("details");
  const there = answer.finer.filter((one) => one.count !== null).length;
  made.append(element("summary", "", `Merged from ${many(answer.finer.length, "window")}, ${there} of them with a row`));
  const table = element("table", "stacked");
  const head = table.createTHead().insertRow();
  const headings = ["Start", "State", "Samples", "Sum", "Increase", "Resets", "Remarks"];
  headings.forEach((text, at) => {
    const cell = element("th", at > 1 && at < 6 ? "number" : "", text);
    cell.scope = "col";
    head.append(cell);
  });
  table.createTBody();
  fill(table, answer.finer.map((one) => row(
    ["time", moment(one.start)],
    ["", one.reason ? `${one.state}: ${one.reason}` : one.state],
    ["number", one.count === null ? "–" : `${one.count} of ${one.expected || "?"}`],
    ["number", figure(one.sum)],
    ["number", figure(one.increase)],
    ["number", figure(one.resets)],
    ["", one.flags.join("; ") || "–"],
  )), "");
  const scroll = element("div", "scroll");
  scroll.append(table);
  made.append(scroll);
  return made;
}
