"use strict";
// The page of probing: the lists of what is probed by whom, and what is asked.

const REFRESH_MS = 30_000;
const ASKED = ["destination", "job", "range", "probe", "agent", "failures", "query", "status"];
const question = new URLSearchParams(location.search);
const asked = Object.fromEntries(ASKED.map((name) => [name, question.get(name) || ""]));
if (!RANGES[asked.range]) asked.range = "24h";

// Lists ---------------------------------------------------------------------------------

function openButton(text, wish) {
  const button = element("button", "link", text);
  button.type = "button";
  button.addEventListener("click", () => {
    change({ destination: "", job: "", probe: "", agent: "", ...wish });
    $("detail").hidden = true;
    scrollTo({ top: 0, behavior: "smooth" });
  });
  return button;
}

function words(texts) {
  const made = element("span");
  for (const text of texts) made.append(element("span", "tag", text), " ");
  return made;
}

function pauseOf(one, maintenance) {
  return maintenance.find(({ state, settings: { destinations, tags } }) => state === "going_on"
    && ((!destinations.length && !tags.length) || destinations.includes(one.name)
      || (tags.length && tags.every((tag) => one.settings.tags.includes(tag)))));
}

function statusOf(one, maintenance) {
  const made = element("span");
  const pause = pauseOf(one, maintenance);
  made.append(badge(one.status));
  if (pause) made.append(element("span", "tag", ` in maintenance: ${pause.name}`));
  return made;
}

function showDestinations(answer, maintenance) {
  const rows = answer.destinations.map((one) => row(
    ["", openButton(one.settings.display_name || one.name, { destination: one.name })],
    ["series", one.settings.host],
    ["", statusOf(one, maintenance)],
    ["time", one.last_seen !== null ? moment(one.last_seen) : "never"],
    ["", words(one.settings.tags)],
    ["number", editButton("destinations", one.name)],
  ));
  const searched = asked.query || asked.status;
  fill($("destinations"), rows, searched ? "None is like that." : "Nothing is probed yet: add a destination, then a job.");
}

function showJobs(answer) {
  const rows = answer.jobs.map((one) => row(
    ["", openButton(one.name, { job: one.name })],
    ["", one.settings.interval],
    ["", one.settings.probes.join(", ")],
    ["", words([...one.settings.destinations, ...(one.settings.tags.length ? [`all of ${one.settings.tags.join(" and ")}`] : [])])],
    ["", badge(one.state)],
    ["time", one.next_run ? moment(one.next_run) : "–"],
    ["number", editButton("jobs", one.name)],
  ));
  fill($("jobs"), rows, "No job probes anything yet.");
}

function showModules(answer) {
  const rows = answer.modules.map((one) => row(
    ["", one.name], ["", one.settings.kind], ["number", editButton("modules", one.name)],
  ));
  fill($("modules"), rows, "Only those that are built in: icmp, traceroute, tcp, tls, http, throughput.");
}

function showMaintenance(answer) {
  const rows = answer.maintenance.map((one) => row(
    ["", one.name],
    ["", one.settings.end ? `${one.settings.start || "…"} to ${one.settings.end}` : many(one.settings.windows.length, "window")],
    ["", badge(one.state)],
    ["number", editButton("maintenance", one.name)],
  ));
  fill($("maintenance"), rows, "None is planned.");
}

function showAgents(answer) {
  const rows = answer.agents.map((one) => row(
    ["", one.name], ["", one.version || "–"], ["time", moment(one.last_seen)],
    [one.dropped ? "number warn" : "number", one.dropped.toLocaleString("en")],
  ));
  fill($("agents"), rows, "No exporter has asked for its plan yet.");
  offer($("agent"), answer.agents.map((one) => one.name));
}

function offer(select, names) {
  const wanted = ["", ...names];
  if ([...select.options].map((one) => one.value).join() !== wanted.join()) {
    select.replaceChildren(...wanted.map((name) => new Option(name || "all", name)));
  }
  select.value = wanted.includes(asked[select.id]) ? asked[select.id] : "";
}

// The page ------------------------------------------------------------------------------

async function refresh() {
  try {
    const search = { limit: "1000" };
    if (asked.query) search.query = asked.query;
    if (asked.status) search.status = asked.status;
    const [destinations, jobs, modules, maintenance, agents] = await Promise.all([
      ask("/api/v1/destinations", search),
      ask("/api/v1/jobs"),
      ask("/api/v1/modules"),
      ask("/api/v1/maintenance"),
      ask("/api/v1/agents"),
    ]);
    $("key-form").hidden = true;
    $("forget").hidden = !sessionStorage.getItem(KEY);
    $("summary").textContent = `${many(destinations.total, "destination")}, ${many(jobs.total, "job")}, ${many(agents.agents.length, "agent")}`;
    showDestinations(destinations, maintenance.maintenance);
    showJobs(jobs);
    showModules(modules);
    showMaintenance(maintenance);
    showAgents(agents);
    offer($("probe"), [...new Set(jobs.jobs.flatMap((one) => one.settings.probes))].sort());
    await showDestination();
  } catch (error) {
    complain(error);
  }
}

function complain(error) {
  if (error.status !== 401 && error.status !== 403) {
    $("summary").textContent = `${error.status ? "The bridge says" : "The bridge does not answer"}: ${error.message}`;
    if (error.status < 500) for (const part of ["shown", "history"]) $(part).hidden = true;
    return;
  }
  $("summary").textContent = error.status === 401 ? "A key is needed." : "The bridge refused.";
  $("key-reason").textContent = error.status !== 401 || sessionStorage.getItem(KEY) ? error.message : "";
  if ($("key-form").hidden) {
    $("key-form").hidden = false;
    $("key").focus();
  }
}

function keep(wish) {
  Object.assign(asked, wish);
  const told = Object.entries(asked).filter(([, value]) => value);
  history.replaceState(null, "", `?${new URLSearchParams(told)}`);
}

function change(wish) {
  keep(wish);
  for (const name of ["probe", "agent"]) $(name).value = asked[name];
  showDestination().catch(complain);
}

function start() {
  startEditor();
  startResults();
  $("query").value = asked.query;
  $("status").value = asked.status;
  $("failures").checked = Boolean(asked.failures);
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
  $("search").addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["query", "status"]) {
    $(name).addEventListener("input", () => {
      keep({ [name]: $(name).value.trim() });
      refresh();
    });
  }
  setInterval(() => document.hidden || $("editor").open || !$("key-form").hidden || refresh(), REFRESH_MS);
  refresh();
}

start();
