"use strict";
// One destination or job: its distribution of round-trip times, its results, and what
// one result holds.

const RANGES = { "1h": "-1h", "6h": "-6h", "24h": "-24h", "7d": "-7d", "30d": "-30d" };
const PAGE = 20;
const MOST = 1000;
const MARKS = {
  starved: "Tasks on the agent's host waited for a CPU meanwhile.",
  clock_stepped: "The clock of the agent's host was set meanwhile.",
};
const TEST_PATIENCE_MS = 60_000;
let smoke = null;
let cursor = null;
let shown = { of: "", rows: 0 };

function badge(text, name = text) {
  return element("span", `badge ${name}`, text.replaceAll("_", " "));
}

function filters() {
  const found = { start: RANGES[asked.range] };
  for (const name of ["destination", "job", "probe", "agent"]) if (asked[name]) found[name] = asked[name];
  return found;
}

async function showDestination() {
  for (const button of $("ranges").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === asked.range));
  }
  $("shown").hidden = !asked.destination;
  $("history").hidden = !asked.destination && !asked.job;
  if ($("history").hidden) return;
  $("history-title").textContent = asked.destination ? "Results" : `Results of ${asked.job}`;
  const wanted = [showResults()];
  if (asked.destination) wanted.push(showFigures(), showSmoke());
  await Promise.all(wanted);
}

async function showFigures() {
  const start = RANGES[asked.range];
  const status = await ask(`/api/v1/destinations/${asked.destination}/status`, { start });
  $("shown-title").textContent = asked.destination;
  const facts = [
    ["Status", badge(status.status)],
    ["Succeeded", percent(status.success_rate)],
    ["Up", percent(status.uptime)],
    ["Results", status.checks.toLocaleString("en")],
    ["Failed of the last 20", String(status.recent_failures)],
    ["Lost", percent(status.loss)],
    ["Last RTT", milliseconds(status.last_rtt)],
    ["Last seen", status.last_seen ? moment(status.last_seen) : "never"],
  ];
  $("figures").replaceChildren(...facts.map(([name, value]) => {
    const made = element("div");
    const dd = element("dd");
    dd.append(value);
    made.append(element("dt", "", name), dd);
    return made;
  }));
}

async function showSmoke() {
  smoke ||= new Smoke($("smoke"), $("smoke-note"));
  smoke.show(await ask("/api/v1/results/distribution", filters()));
}

// Results -----------------------------------------------------------------------------

async function showResults(after = null) {
  const of = JSON.stringify([filters(), asked.failures]);
  // Whoever looks at older ones keeps them when the page is asked again.
  const limit = after || shown.of !== of ? PAGE : Math.min(Math.max(PAGE, shown.rows), MOST);
  const parameters = { ...filters(), limit: String(limit) };
  if (asked.failures) parameters.success = "false";
  if (after) parameters.before = after;
  const answer = await ask("/api/v1/results", parameters);
  const rows = answer.results.map(resultRow);
  shown = { of, rows: (after ? shown.rows : 0) + rows.length };
  cursor = answer.next || null;
  $("older").hidden = !cursor;
  if (after) $("results").tBodies[0].append(...rows);
  else fill($("results"), rows, "Nothing was found in this time.");
}

function resultRow(one) {
  const open = element("button", "link", moment(one.began));
  open.type = "button";
  open.addEventListener("click", () => showDetail(one));
  return row(
    ["time", open],
    ["", one.destination],
    ["", one.job],
    ["", one.agent],
    ["", one.probe],
    ["", outcome(one)],
    ["number", milliseconds(one.rtt_mean)],
    ["number", percent(one.loss)],
  );
}

function outcome(one) {
  const made = element("span");
  made.append(badge(one.reason || "ok", one.reason ? "failed" : "ok"));
  if (one.reason) made.append(` ${one.message}`);
  for (const mark of one.marks || []) {
    const shown = element("span", "tag", ` ${mark.replaceAll("_", " ")}`);
    shown.title = MARKS[mark] || "";
    made.append(shown);
  }
  return made;
}

function showDetail(one) {
  $("detail").hidden = false;
  $("detail-title").textContent = `${one.probe} of ${one.destination} from ${one.agent}, ${moment(one.began)}`;
  const parts = [element("p", "", "")];
  parts[0].append(outcome(one), ` in ${milliseconds(one.seconds)}${one.address ? `, ${one.address}` : ""}`);
  const phases = Object.entries(one.phases || {});
  if (phases.length) parts.push(element("p", "", phases.map(([name, seconds]) => `${name} ${milliseconds(seconds)}`).join(", ")));
  if (one.rtts?.length) parts.push(element("p", "", `Round-trip times: ${one.rtts.map((rtt) => (rtt === null ? "lost" : milliseconds(rtt))).join(", ")}`));
  if (one.facts?.hops) parts.push(hopTable(one.facts.hops));
  const { hops, ...facts } = one.facts || {};
  if (Object.keys(facts).length) parts.push(element("pre", "", JSON.stringify(facts, null, 2)));
  $("detail-body").replaceChildren(...parts);
  $("detail").scrollIntoView({ block: "nearest" });
}

function hopTable(hops) {
  const table = element("table", "stacked");
  const head = element("tr");
  for (const name of ["Hop", "Address", "RTT", "Lost", ""]) head.append(element("th", "", name));
  table.createTHead().append(head);
  table.createTBody();
  fill(table, hops.map((hop) => {
    const rtts = (hop.rtts || []).filter((rtt) => rtt !== null).sort((a, b) => a - b);
    return row(
      ["number", String(hop.ttl)],
      ["series", (hop.addresses || []).join(", ") || "*"],
      ["number", rtts.length ? milliseconds(rtts[Math.floor(rtts.length / 2)]) : "–"],
      ["number", hop.sent ? `${Math.round(100 * (1 - hop.received / hop.sent))} %` : "–"],
      ["", hop.reason || ""],
    );
  }), "No hop answered.");
  return table;
}

// What can be done ----------------------------------------------------------------------

async function testNow() {
  const destination = asked.destination;
  $("test").disabled = true;
  try {
    const wish = new URLSearchParams(asked.probe ? { module: asked.probe } : {});
    if (asked.agent) wish.set("agent", asked.agent);
    const { answer } = await send("POST", `/api/v1/destinations/${destination}/test?${wish}`);
    $("test-note").textContent = `Asked ${answer.agent} …`;
    const found = await tested(answer.id);
    $("test-note").textContent = found
      ? `${found.reason ? `${found.reason}: ${found.message}` : "ok"}, ${milliseconds(found.rtts?.[0] ?? found.seconds)}`
      : "No agent answered in time.";
  } catch (error) {
    $("test-note").textContent = error.message;
  } finally {
    $("test").disabled = false;
  }
}

async function tested(id) {
  const until = Date.now() + TEST_PATIENCE_MS;
  while (Date.now() < until) {
    const answer = await ask(`/api/v1/tests/${id}`);
    if (answer.state === "expired") return null;
    if (answer.result) return answer.result;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return null;
}

async function download(format) {
  const url = new URL("/api/v1/results/export", location.origin);
  const parameters = { ...filters(), format };
  if (asked.failures) parameters.success = "false";
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const key = sessionStorage.getItem(KEY);
  const response = await fetch(url, { headers: key ? { Authorization: `Bearer ${key}` } : {} });
  if (!response.ok) throw new Error((await response.json()).detail);
  const link = element("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = `${asked.destination || asked.job}.${format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function startResults() {
  $("ranges").addEventListener("click", (event) => event.target.dataset.range && change({ range: event.target.dataset.range }));
  for (const name of ["probe", "agent"]) $(name).addEventListener("change", () => change({ [name]: $(name).value }));
  $("failures").addEventListener("change", () => change({ failures: $("failures").checked ? "1" : "" }));
  $("older").addEventListener("click", () => showResults(cursor).catch(complain));
  $("detail-close").addEventListener("click", () => { $("detail").hidden = true; });
  $("test").addEventListener("click", testNow);
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", () => download(button.dataset.export).catch(complain));
  }
}
