// The table of results that is asked: filters in the address, two subjects or versions against each other, own reports.
// It works from file://: the data come as a script, and a report is read from where the reader has it.
const box = document.querySelector(".nn-explore");
const PHONE = matchMedia("(max-width: 37.5rem)");
const STEP = 150; // rows that are shown at a time
const SAYS = "pvkfes"; // outcomes that say how a subject answers; the others say that it was not asked
const FILTERS = ["show", "topic", "subject", "against", "outcome", "level", "kind", "text"];
let data, words, saying, shown;
let own = []; // a column for each report that the reader has added

function el(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}
function load(source) {
  return new Promise((done) => {
    const script = el("script", { src: source });
    script.addEventListener("load", done);
    document.head.append(script);
  });
}
// What the clauses say: half of all that there is to load, for who looks for a word or points at a clause.
const said = () => (saying ??= load(box.dataset.words).then(() => (words = globalThis.nnspecData.words.words)));
const worst = (cell) => [...cell].sort((a, b) => data.outcomes[a][3] - data.outcomes[b][3])[0];
const told = (cell) => new Set([...cell].filter((letter) => SAYS.includes(letter)));
const columns = () => [...data.subjects, ...own];
const cells = (row) => [...row[3], ...own.map((one) => one.cell(row))];
const readings = (row) => columns().map((one, at) => (one.reading ? one.reading(row) : (row[4]?.[at] ?? "")));

// A reading as it is compared: 1.0 in the recorded results is 1 in a report.
const plain = (reading) => reading.split(", ").map((one) => (one && Number.isFinite(Number(one)) ? Number(one) : one)).join();

function choose(name, label, options) {
  const select = el("select", { name }, ...options.map(([value, text]) => el("option", { value, textContent: text })));
  return el("label", {}, `${label} `, select);
}

function controls() {
  const subjects = data.subjects.map(([name]) => [name, name]);
  const unique = (at) => [...new Set(data.clauses.map((clause) => clause[at]))].sort().map((one) => [one, one]);
  const every = (words, options) => [["", words], ...options];
  const outcomes = Object.values(data.outcomes).map(([name]) => [name, name]);
  const form = el(
    "form",
    { className: "nn-filters" },
    choose("show", "Show", [
      ["", "where they differ"],
      ["all", "every clause"],
    ]),
    choose("topic", "Topic", every("all", data.topics)),
    choose("subject", "Subject", every("all", subjects)),
    choose("against", "against", every("nobody", subjects)),
    choose("outcome", "Outcome", every("any", outcomes)),
    choose("level", "Level", every("any", unique(1))),
    choose("kind", "Kind", every("any", unique(2))),
    el("label", {}, "Text ", el("input", { name: "text", type: "search", placeholder: "clause, operation or word" })),
    el("label", {}, "Your reports ", el("input", { name: "report", type: "file", accept: ".json", multiple: true })),
    el("button", { type: "reset", textContent: "Clear" }),
  );
  form.addEventListener("input", () => (remember(), render()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => (remember(), render())));
  form.elements.report.addEventListener("change", (event) => add([...event.target.files]));
  return form;
}

const asked = () => Object.fromEntries(FILTERS.map((name) => [name, box.querySelector("form").elements[name].value]));

function remember() {
  const given = Object.entries(asked()).filter(([, value]) => value);
  history.replaceState(null, "", given.length ? `#?${new URLSearchParams(given)}` : "#");
}

function recall() {
  const given = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
  for (const name of FILTERS) {
    box.querySelector("form").elements[name].value = given.get(name) ?? "";
  }
}

function chosen({ subject, against }) {
  const names = columns().map(([name]) => name);
  const two = [subject, against].filter(Boolean);
  const phone = PHONE.matches && !two.length ? [own.length ? own[0][0] : names[0]] : two;
  return phone.length ? phone.map((name) => names.indexOf(name)).filter((at) => at >= 0) : names.map((_, at) => at);
}

// Two that are held against each other differ where their cells do. Else the frameworks do; of one alone, it does.
function differs(row, places, { against }) {
  const found = cells(row);
  if (against && places.length === 2) {
    const [one, other] = places.map((at) => found[at] + plain(readings(row)[at]));
    return one !== other;
  }
  const judged = places.length > 1 ? places.filter((at) => columns()[at][2] !== "oracle") : places;
  const met = new Set(judged.flatMap((at) => [...told(found[at])]));
  return met.size > 1 || (met.size === 1 && !met.has("p"));
}

function matches(row, places, filters) {
  const [id, level, kind] = data.clauses[row[0]];
  const { show, topic, outcome, text } = filters;
  const named = outcome && Object.keys(data.outcomes).find((letter) => data.outcomes[letter][0] === outcome);
  const names = row[2].map((at) => data.operations[at]).join(" ");
  const all = `${id} ${names} ${words?.[row[0]] ?? ""} ${readings(row).join(" ")}`.toLowerCase();
  return (
    (!topic || data.topics[row[1]][0] === topic) &&
    (!filters.level || level === filters.level) &&
    (!filters.kind || kind === filters.kind) &&
    (!named || places.some((at) => cells(row)[at].includes(named))) &&
    text.toLowerCase().split(/\s+/).every((word) => all.includes(word)) &&
    (show || named || differs(row, places, filters))
  );
}

function cell(row, at) {
  const letters = cells(row)[at];
  const letter = worst(letters);
  const [name, symbol, css] = data.outcomes[letter];
  const of = row[2].filter((_, i) => letters[i] === letter).map((one) => data.operations[one]);
  const some = letters.length === 1 ? "" : of.length < 4 ? ` ${of.join(", ")}` : ` ${of.length} of ${letters.length}`;
  const word = letter === "p" ? el("span", { className: "nn-word", textContent: name }) : name;
  const made = el("td", { className: `nn-${css}`, title: of.join(", ") || name }, `${symbol} `, word, some);
  const reading = readings(row)[at];
  if (reading) {
    made.append(" ", el("code", { textContent: reading }));
  }
  return made;
}

function line(row, places) {
  const [id, level, , address] = data.clauses[row[0]];
  const link = el("a", { href: `../${address}` }, el("code", { textContent: id }));
  link.dataset.clause = row[0];
  const where = el("small", { textContent: `${data.topics[row[1]][1]} · ${level}` });
  return el("tr", {}, el("th", { scope: "row" }, link, where), ...places.map((at) => cell(row, at)));
}

function render() {
  const filters = asked();
  if (filters.text && !words) {
    box.querySelector("[role=status]").textContent = ""; // until it is known what the clauses say
    said().then(render);
    return;
  }
  const places = chosen(filters);
  const found = data.rows.filter((row) => matches(row, places, filters));
  const head = places.map((at) => columns()[at]);
  const names = head.map(([name, version]) =>
    el("th", { scope: "col" }, name, el("small", { textContent: ` ${version}` })),
  );
  const body = el("tbody");
  const more = el("button", { type: "button", className: "nn-next" });
  shown = 0;
  const next = () => {
    body.append(...found.slice(shown, (shown += STEP)).map((row) => line(row, places)));
    more.textContent = `Show more (${found.length - shown} left)`;
    more.hidden = shown >= found.length;
  };
  more.addEventListener("click", next);
  next();
  const table = el(
    "table",
    { className: "nn-table" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col", textContent: "clause" }), ...names)),
    body,
  );
  const scroll = el("div", { className: "nn-scroll nn-asked" }, table);
  const count = found.length === 1 ? "1 row" : `${found.length} rows`;
  box.querySelector("[role=status]").textContent = `${count} of ${data.rows.length}`;
  box.querySelector(".nn-answer").replaceChildren(...(found.length ? [scroll, more] : [nothing()]));
  scroll.tabIndex = scroll.scrollWidth > scroll.clientWidth || scroll.scrollHeight > scroll.clientHeight ? 0 : -1;
}

function tell({ target }) {
  const link = target.closest("[data-clause]");
  if (link && !link.title) {
    said().then(() => (link.title = words[link.dataset.clause]));
  }
}

const nothing = () => el("p", { textContent: "No clause is like this. Take one of the filters back." });

// A report that `nnspec check mine.py --report mine.json` has written, as a column: outcomes and readings of a row.
function column({ subject: { name, version }, topics }) {
  const letters = Object.fromEntries(Object.entries(data.outcomes).map(([letter, [outcome]]) => [outcome, letter]));
  const found = Object.assign({}, ...Object.values(topics).map((topic) => topic.results));
  const asked = (row) => {
    const [id] = data.clauses[row[0]];
    return (row[2].length ? row[2].map((at) => `${id}[${data.operations[at]}]`) : [id]).map((one) => found[one]);
  };
  const same = `${name} (yours)`;
  const label = own.some(([one]) => one === same) ? `${name} ${version} (yours)` : same;
  return Object.assign([label, version, "user"], {
    cell(row) {
      const all = asked(row).map((one) => letters[one?.outcome] ?? "r");
      return new Set(all).size === 1 ? all[0] : all.join("");
    },
    reading(row) {
      const [id, , , , usual] = data.clauses[row[0]];
      const held = asked(row).filter((one) => ["pass", "variant"].includes(one?.outcome));
      return usual ? [...new Set(held.flatMap((one) => one.readings?.[id] ?? [usual]).map(String))].join(", ") : "";
    },
  });
}

// One report is held against nobody; of two that are added at once, the second against the first.
async function add(files) {
  const added = [];
  for (const file of files) {
    try {
      const made = column(JSON.parse(await file.text()));
      own.push(made);
      added.push(made);
    } catch {
      box.querySelector("[role=status]").textContent =
        `${file.name} is no report of nnspec check --report; it has to end in .json`;
      return;
    }
  }
  for (const select of ["subject", "against"]) {
    const list = box.querySelector(`select[name=${select}]`);
    list.querySelectorAll("[data-own]").forEach((option) => option.remove());
    for (const [label] of own) {
      const option = el("option", { value: label, textContent: label });
      option.dataset.own = "";
      list.append(option);
    }
  }
  box.querySelector("select[name=subject]").value = added[0][0];
  box.querySelector("select[name=against]").value = added[1]?.[0] ?? "";
  render();
}

if (box) {
  load(box.dataset.source).then(() => {
    data = globalThis.nnspecData.differences;
    const status = el("p", { className: "nn-provenance" });
    status.setAttribute("role", "status");
    box.replaceChildren(controls(), status, el("div", { className: "nn-answer" }));
    recall();
    render();
    addEventListener("hashchange", () => location.hash.startsWith("#?") && (recall(), render()));
    PHONE.addEventListener("change", render);
    box.addEventListener("pointerover", tell);
    box.addEventListener("focusin", tell);
  });
}
