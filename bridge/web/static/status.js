"use strict";
// The status page: what is asked, and what is shown of sources and errors.

const REFRESH_MS = 30_000;
const question = new URLSearchParams(location.search);
const asked = {
  match: question.get("match") || "node_load1",
  range: RANGES[question.get("range")] ? question.get("range") : "1h",
  by: question.get("by") || "auto",
  calendar: question.get("calendar") || "utc",
  show: question.get("show") || "usual",
  compare: EARLIER[question.get("compare")] ? question.get("compare") : "none",
  holes: VIEWS[question.get("holes")] ? question.get("holes") : "day",
};
let now = null;

// Sources -----------------------------------------------------------------------------

function showStatus(status) {
  $("summary").textContent =
    `${many(status.sources.length, "source")}, ` +
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

function showCalendars(calendars) {
  const place = $("calendar");
  $("calendar-label").hidden = !calendars.length;
  if (place.options.length === calendars.length + 1) return;
  place.replaceChildren(new Option("UTC", "utc"), ...calendars.map((one) => new Option(`${one.name} (${one.zone})`, one.name)));
}

// Events ------------------------------------------------------------------------------

function showEvents(answer) {
  const rows = answer.groups.map((group) => row(
    ["time", moment(group.last_time)],
    ["", `${group.category}: ${group.type}`],
    ["series", group.message],
    ["number", group.occurrences.toLocaleString("en")],
  ));
  fill($("events"), rows, "Nothing was recorded.");
}

// The page ----------------------------------------------------------------------------

async function refresh() {
  try {
    const status = await ask("/api/v1/status");
    showStatus(status);
    showCalendars(status.calendars);
    now = status.now;
    $("key-form").hidden = true;
    $("forget").hidden = !sessionStorage.getItem(KEY);
    const [events] = await Promise.all([
      ask("/api/v1/events", { group: "fingerprint", limit: "20" }),
      showHoles(status.now),
      showChart(),
    ]);
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
  for (const name of ["by", "calendar", "show", "compare"]) {
    $(name).addEventListener("change", () => change({ [name]: $(name).value }));
  }
  $("hole-views").addEventListener("click", (event) => {
    if (!event.target.dataset.holes || now === null) return;
    keep({ holes: event.target.dataset.holes });
    showHoles(now).catch(askForKey);
  });
  $("explain-close").addEventListener("click", () => { $("explain").hidden = true; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => chart && chart.setSize({ width: $("chart").clientWidth, height: 280 })).observe($("chart"));
  setInterval(() => document.hidden || !$("key-form").hidden || refresh(), REFRESH_MS);
  refresh();
}

function keep(wish) {
  Object.assign(asked, wish);
  history.replaceState(null, "", `?${new URLSearchParams(asked)}`);
}

function change(wish) {
  keep(wish);
  $("explain").hidden = true;
  showChart().catch(askForKey);
}

start();
