"use strict";
// Destinations, jobs, modules and maintenance: their lists, and the dialog that edits
// them. What is sent is what config.yaml would hold; the bridge says what is wrong.

const TEXT = { read: (input) => input.value.trim(), show: (value) => value || "" };
const LIST = {
  read: (input) => input.value.split(/[\s,]+/).filter(Boolean),
  show: (value) => (value || []).join(", "),
};
const OPTIONAL = { read: (input) => input.value.trim() || null, show: (value) => value || "" };
const SWITCH = { type: "checkbox" };
const JSON_TEXT = {
  area: true,
  read: (input) => JSON.parse(input.value || "null"),
  show: (value) => JSON.stringify(value, null, 2),
};

const FORMS = {
  destinations: {
    one: "destination",
    blank: { name: "", host: "", enabled: true },
    fields: [
      ["host", "Host", TEXT, "A name or an address, with a port or as a URL where probes need it."],
      ["display_name", "Display name", TEXT, ""],
      ["description", "Description", TEXT, ""],
      ["tags", "Tags", LIST, "By which jobs select it."],
      ["enabled", "Probed", SWITCH, ""],
    ],
  },
  jobs: {
    one: "job",
    blank: { name: "", interval: "1m", probes: ["icmp"], destinations: [], tags: [], enabled: true, windows: [], history: "all", on_failure: { traceroute: false } },
    fields: [
      ["description", "Description", TEXT, ""],
      ["interval", "Every", TEXT, "From 1s to 1d, such as 30s or 5m."],
      ["probes", "Probes", LIST, "Names of modules: icmp, http, …"],
      ["destinations", "Destinations", LIST, "By name."],
      ["tags", "Tags", LIST, "All destinations that have all of these, too."],
      ["agents", "Agents", LIST, "Who probes; nobody named means every agent."],
      ["valid_from", "From", OPTIONAL, "An instant with its zone, such as 2026-11-21T08:00:00Z."],
      ["valid_until", "Until", OPTIONAL, ""],
      ["windows", "Windows", JSON_TEXT, "When it runs, such as [{\"days\": [\"mon\", \"tue\"], \"start\": \"22:00\", \"end\": \"06:00\", \"zone\": \"Europe/Berlin\"}]."],
      ["splay", "Splay", OPTIONAL, "Over how long the destinations of a run are spread."],
      ["history", "History", TEXT, "Which results are kept: all, failures or none."],
      ["on_failure", "On failure", JSON_TEXT, ""],
      ["enabled", "Enabled", SWITCH, ""],
    ],
  },
  modules: { one: "module", blank: { name: "", kind: "http", url: "https://{host}/" }, whole: true },
  maintenance: { one: "maintenance", blank: { name: "", tags: [], start: "", end: "", note: "" }, whole: true },
};
let editing = null;

async function send(method, path, body, tag) {
  // The bridge takes changes as JSON only, which no page from elsewhere can send unasked.
  const headers = { "Content-Type": "application/json" };
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (tag) headers["If-Match"] = tag;
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json().catch(() => ({ detail: response.statusText }));
  if (response.ok) return { answer, tag: response.headers.get("ETag") };
  const error = new Refused(response.status, answer.detail || answer.title);
  error.problem = answer;
  throw error;
}

function editButton(kind, name) {
  const button = element("button", "link", "Edit");
  button.type = "button";
  button.setAttribute("aria-label", `Edit ${name}`);
  button.addEventListener("click", () => edit(kind, name));
  return button;
}

async function edit(kind, name) {
  let found = { settings: FORMS[kind].blank, origin: "api" };
  let tag = null;
  try {
    if (name) ({ answer: found, tag } = await send("GET", `/api/v1/${kind}/${name}`));
  } catch (error) {
    complain(error);
    return;
  }
  editing = { kind, name, tag, settings: found.settings };
  const form = FORMS[kind];
  const owned = found.origin === "config";
  $("editor-title").textContent = name ? `${form.one} ${name}` : `New ${form.one}`;
  $("editor-note").textContent = owned ? "It stands in config.yaml and is changed there." : "";
  $("editor-problems").hidden = true;
  $("save").hidden = owned;
  $("remove").hidden = owned || !name;
  $("editor-fields").replaceChildren(...fieldsOf(form, found.settings, Boolean(name)));
  for (const input of $("editor-fields").querySelectorAll("input, textarea")) input.disabled = owned || input.disabled;
  $("editor").showModal();
}

function fieldsOf(form, settings, named) {
  const name = field("name", "Name", TEXT, "Letters, digits and any of _ . -", settings.name);
  name.querySelector("input").disabled = named;
  if (form.whole) {
    const { name: _, ...rest } = settings;
    return [name, field("", "Settings", JSON_TEXT, "As in config.yaml; what is left out has its default.", rest)];
  }
  return [name, ...form.fields.map(([key, label, kind, help]) => field(key, label, kind, help, settings[key]))];
}

function field(key, text, kind, help, value) {
  const made = element("div", "field");
  const label = element("label", "", text);
  const input = element(kind.area ? "textarea" : "input");
  input.id = `field-${key || "settings"}`;
  label.htmlFor = input.id;
  input.dataset.key = key;
  input.spellcheck = false;
  if (kind.area) input.rows = key ? 4 : 14;
  else input.type = kind.type || "text";
  if (kind === SWITCH) input.checked = Boolean(value);
  else input.value = kind.show(value);
  input.read = kind === SWITCH ? () => input.checked : () => kind.read(input);
  made.append(label, input);
  if (help) made.append(element("p", "quiet", help));
  return made;
}

function entered() {
  const document = {};
  for (const input of $("editor-fields").querySelectorAll("input, textarea")) {
    let value;
    try {
      value = input.read();
    } catch (error) {
      throw new Error(`${input.dataset.key || "settings"}: ${error.message}`);
    }
    if (input.dataset.key) document[input.dataset.key] = value;
    else Object.assign(document, value);
  }
  return document;
}

async function save(event) {
  event.preventDefault();
  const { kind, name, tag } = editing;
  try {
    const document = entered();
    if (name) await send("PUT", `/api/v1/${kind}/${name}`, document, tag);
    else await send("POST", `/api/v1/${kind}`, document);
    $("editor").close();
    await refresh();
  } catch (error) {
    showProblems(error);
  }
}

async function remove() {
  const { kind, name, tag } = editing;
  if ($("remove").dataset.sure !== name) {
    $("remove").dataset.sure = name;
    $("remove").textContent = `Remove ${name} for good?`;
    return;
  }
  try {
    await send("DELETE", `/api/v1/${kind}/${name}`, undefined, tag);
    $("editor").close();
    if (kind === "destinations" && asked.destination === name) asked.destination = "";
    await refresh();
  } catch (error) {
    showProblems(error);
  }
}

function showProblems(error) {
  const errors = error.problem?.errors;
  const lines = Array.isArray(errors) && errors.length
    ? errors.map((one) => (one.parameter ? `${one.parameter}: ${one.detail}` : one.detail))
    : [error.status === 412 ? `${error.message} Close this and open it again.` : error.message];
  $("editor-problems").replaceChildren(...lines.map((text) => element("li", "", text)));
  $("editor-problems").hidden = false;
}

function startEditor() {
  $("editor-form").addEventListener("submit", save);
  $("cancel").addEventListener("click", () => $("editor").close());
  $("remove").addEventListener("click", remove);
  $("editor").addEventListener("close", () => {
    delete $("remove").dataset.sure;
    $("remove").textContent = "Remove";
  });
  for (const button of document.querySelectorAll("[data-make]")) {
    button.addEventListener("click", () => edit(button.dataset.make, ""));
  }
}
