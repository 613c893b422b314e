"use strict";
// Reads the stream and draws it. Read with fetch, as EventSource sends no token.

const TOKEN = "epimetheus-exporter-token";
const $ = (id) => document.getElementById(id);
let reading = null;
let lastId = "";
let wait = 2000;

const charts = {
  cpu: new Chart($("cpu"), ["busy", "user", "system", "waiting for disks"], percent, 100),
  memory: new Chart($("memory"), ["used", "swap used"], percent, 100),
  disk: new Chart($("disk"), ["read", "written"], rate, 1000),
  network: new Chart($("network"), ["received", "sent"], rate, 1000),
};

function percent(value) {
  return value === null ? "–" : `${value.toFixed(value < 10 && value > 0 ? 1 : 0)} %`;
}

function size(value) {
  if (value === null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (Math.abs(value) >= 1000 && at < units.length - 1) { value /= 1000; at += 1; }
  return `${value.toFixed(at && value < 100 ? 1 : 0)} ${units[at]}`;
}

function rate(value) {
  return value === null ? "–" : `${size(value)}/s`;
}

// What is known --------------------------------------------------------------------------

// The sum of a metric's series that `wanted` accepts; null where one is not known.
function sum(metrics, name, wanted = () => true) {
  const series = (metrics[name] || []).filter((one) => wanted(one.labels));
  if (!series.length || series.some((one) => typeof one.value !== "number")) return null;
  return series.reduce((total, one) => total + one.value, 0);
}

function cpu(event) {
  const name = "node_cpu_seconds_total";
  const all = sum(event.rates, name);
  const share = (...modes) => {
    const some = sum(event.rates, name, ({ mode }) => modes.includes(mode));
    return all && some !== null ? 100 * some / all : null;
  };
  const idle = share("idle", "iowait");
  return [idle === null ? null : Math.max(0, 100 - idle), share("user", "nice"), share("system", "irq", "softirq"), share("iowait")];
}

function memory(event) {
  const gauge = (name) => sum(event.gauges, `node_memory_${name}_bytes`);
  const part = (free, total) => (total && free !== null ? 100 * (1 - free / total) : null);
  return [part(gauge("MemAvailable"), gauge("MemTotal")), part(gauge("SwapFree"), gauge("SwapTotal"))];
}

// A device on top of others has its transfers counted with those below it, too.
const whole = ({ device }) => !/^(dm-|md|loop|zram)/.test(device);
const outside = ({ device }) => device !== "lo";

function disk(event) {
  return ["read", "written"].map((what) => {
    const name = `node_disk_${what}_bytes_total`;
    return sum(event.rates, name, whole);
  });
}

function network(event) {
  return ["receive", "transmit"].map((what) => sum(event.rates, `node_network_${what}_bytes_total`, outside));
}

function show(event) {
  charts.cpu.add(event.time, cpu(event));
  charts.memory.add(event.time, memory(event));
  charts.disk.add(event.time, disk(event));
  charts.network.add(event.time, network(event));
  const free = sum(event.gauges, "node_memory_MemAvailable_bytes");
  facts({
    "Load, 1 min": sum(event.gauges, "node_load1"),
    "Load, 5 min": sum(event.gauges, "node_load5"),
    "Load, 15 min": sum(event.gauges, "node_load15"),
    "Memory free": free === null ? null : size(free),
    "Memory in all": size(sum(event.gauges, "node_memory_MemTotal_bytes")),
    "Processes that run": sum(event.gauges, "node_procs_running"),
  });
}

function facts(known) {
  $("facts").replaceChildren(...Object.entries(known).map(([name, value]) => {
    const pair = document.createElement("div");
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = name;
    said.textContent = value === null ? "–" : String(value);
    pair.append(term, said);
    return pair;
  }));
}

// The stream -----------------------------------------------------------------------------

function state(text, bad) {
  $("state").textContent = text;
  $("state").classList.toggle("bad", Boolean(bad));
}

async function read(response) {
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop();
    blocks.forEach(take);
  }
}

function take(block) {
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("id: ")) lastId = line.slice(4);
    else if (line.startsWith("retry: ")) wait = Number(line.slice(7));
    else if (line.startsWith("data: ")) data = line.slice(6);
  }
  if (!data) return;
  const event = JSON.parse(data);
  show(event);
  state(`${clock(event.time)}, every ${$("interval").value} s`);
}

async function connect() {
  if (reading) reading.abort();
  const mine = new AbortController();
  reading = mine;
  const headers = { Accept: "text/event-stream" };
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (lastId) headers["Last-Event-ID"] = lastId;
  try {
    const response = await fetch(`live?interval=${$("interval").value}`, { headers, cache: "no-store", signal: mine.signal });
    if (response.status === 401) { askForToken(); return; }
    if (!response.ok) throw new Error((await response.text()).trim());
    $("token-form").hidden = true;
    await read(response);
    state("The exporter has stopped or let go; trying again …", true);
  } catch (error) {
    if (mine.signal.aborted) return;
    state(`${error.message}; trying again …`, true);
  }
  setTimeout(() => reading === mine && connect(), wait);
}

function askForToken() {
  state(sessionStorage.getItem(TOKEN) ? "The token is not the right one." : "A token is needed.", true);
  $("token-form").hidden = false;
  $("token").focus();
}

function begin() {
  const asked = new URLSearchParams(location.search).get("interval");
  $("interval").value = ["1", "2", "5"].includes(asked) ? asked : "2";
  $("interval").addEventListener("change", () => {
    lastId = "";
    for (const chart of Object.values(charts)) chart.clear();
    history.replaceState(null, "", `?interval=${$("interval").value}`);
    if ($("pause").getAttribute("aria-pressed") === "false") connect();
  });
  $("pause").addEventListener("click", () => {
    const paused = $("pause").getAttribute("aria-pressed") === "false";
    $("pause").setAttribute("aria-pressed", String(paused));
    $("pause").textContent = paused ? "Go on" : "Pause";
    if (!paused) { connect(); return; }
    reading.abort();
    reading = null;
    state("Paused.");
  });
  $("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, $("token").value.trim());
    $("token").value = "";
    connect();
  });
  connect();
}

begin();
