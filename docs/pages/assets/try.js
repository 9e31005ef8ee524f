// A reader's function against the suite's questions: in a worker of its own, which is ended when it takes too long.
const box = document.querySelector(".nn-try");
const LIMIT = 3000; // milliseconds
const WORKER = `
const revived = (x) => Array.isArray(x) ? x.map(revived)
  : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, revived(v)]))
  : x === "NaN" || x === "Infinity" || x === "-Infinity" ? Number(x) : x;
const sent = (x) => ArrayBuffer.isView(x) ? Array.from(x) : Array.isArray(x) ? x.map(sent)
  : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, sent(v)])) : x;
onmessage = ({ data: { source, name, cases } }) => {
  let f;
  try {
    f = new Function(source + "\\nreturn " + name + ";")();
  } catch (error) {
    return postMessage({ broken: String(error) });
  }
  postMessage({ answers: cases.map((one) => {
    try {
      const given = revived(one.arrays), options = revived(one.attributes);
      if (one.what !== "trajectory") return { got: sent(f(...given, options)) };
      const step = f(given[0], options);
      return { got: revived(one.grads).map((grads, i) => sent(step(grads, one.rates?.[i] ?? undefined))) };
    } catch (error) {
      return { raised: String(error) };
    }
  }) });
};`;

function el(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// Every number of nested arrays with its place.
function* leaves(x, place = "") {
  if (x !== null && typeof x === "object") {
    for (const key of Object.keys(x).sort()) {
      yield* leaves(x[key], `${place}[${key}]`);
    }
  } else {
    yield [place, typeof x === "string" ? Number(x) : x];
  }
}

const near = (a, b, allowed) => a === b || (a !== a && b !== b) || Math.abs(a - b) <= allowed;

// The worst place of an answer, or null where all is right.
function off(got, right, allowed) {
  const mine = new Map(leaves(got));
  const wanted = [...leaves(right)];
  const may = new Map(leaves(allowed));
  if (mine.size !== wanted.length || wanted.some(([place]) => !mine.has(place))) {
    return { words: `${mine.size} numbers came, ${wanted.length} are right` };
  }
  let worst = null;
  for (const [place, one] of wanted) {
    const came = mine.get(place);
    if (typeof came !== "number" && typeof came !== "boolean") {
      return { words: `${place || "the answer"} is ${came}, a number is right` };
    }
    if (!near(Number(came), Number(one), may.get(place))) {
      const ratio = Math.abs(came - one) / may.get(place);
      const far = Number.isNaN(ratio) ? Infinity : ratio;
      if (!worst || far > worst.far) {
        worst = { far, place, words: `${place ? `at ${place}: ` : ""}${came} came, right is ${one}` };
      }
    }
  }
  return worst;
}

function input(one, place) {
  let found = one.arrays.length === 1 ? one.arrays[0] : null;
  for (const key of place?.match(/[^[\]]+/g) ?? []) {
    found = found?.[key];
  }
  const keywords = Object.entries(one.attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const at = found === null || typeof found === "object" || found === undefined ? [] : [`x = ${found}`];
  return [...at, ...keywords].join(", ");
}

// The wrong implementation of the suite that answers like this wherever the two can be compared.
function bug(data, answers, wrong) {
  return data.bugs.find(({ answers: theirs }) =>
    wrong.every((i) => theirs[i] !== undefined && answers[i].got !== undefined && !off(answers[i].got, theirs[i], data.cases[i].allowed)),
  );
}

function verdict(data, answers) {
  const found = data.cases.map((one, i) =>
    answers[i].raised ? { words: `raised ${answers[i].raised}` } : off(answers[i].got, one.right, one.allowed),
  );
  const list = el("ul", { className: "nn-verdicts" });
  for (const [clause, [address, words]] of Object.entries(data.clauses)) {
    const its = data.cases.map((_, i) => i).filter((i) => data.cases[i].clause === clause);
    const failed = its.filter((i) => found[i]);
    const link = el("a", { href: `../${address}`, title: words }, el("code", { textContent: clause }));
    const chip = el("span", {
      className: `nn-chip nn-${failed.length ? "fail" : "pass"}`,
      textContent: failed.length ? "✗ fail" : "✓ pass",
    });
    const item = el("li", {}, chip, " ", link);
    if (failed.length) {
      const [first] = failed.sort((a, b) => (found[b].far ?? Infinity) - (found[a].far ?? Infinity));
      const asked = input(data.cases[first], found[first].place);
      item.append(el("p", { textContent: `${words}` }));
      item.append(el("p", {}, el("code", { textContent: `${asked ? `${asked}: ` : ""}${found[first].words}` })));
    }
    list.append(item);
  }
  const wrong = found.map((one, i) => (one ? i : -1)).filter((i) => i >= 0);
  const head = el("p", {}, el("strong", { textContent: wrong.length ? `${wrong.length} of ${found.length} questions answered wrongly.` : `All ${found.length} questions answered rightly, in float64.` }));
  const like = wrong.length && bug(data, answers, wrong);
  const story = like ? [el("p", { className: "nn-bug" }, "This is what the suite's wrong implementation ", el("code", { textContent: like.name }), ` answers: ${like.story}`)] : [];
  return [head, ...story, list];
}

// From file:// the theme puts something else in the place of workers, which knows no blob: an empty frame has the browser's.
const frame = el("iframe", { hidden: true, title: "Nothing" });
let data, running, Native;

function load(name) {
  return new Promise((done, failed) => {
    const known = globalThis.nnspecData?.[`points/${name}`];
    if (known) return done(known);
    const script = el("script", { src: `${box.dataset.source}${name}.js` });
    script.addEventListener("load", () => done(globalThis.nnspecData[`points/${name}`]));
    script.addEventListener("error", failed);
    document.head.append(script);
  });
}

function run() {
  const [select, source, say] = ["select", "textarea", "[role=status]"].map((one) => box.querySelector(one));
  const out = box.querySelector(".nn-answer");
  running?.terminate();
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  const worker = (running = new Native(address));
  const clock = setTimeout(() => end(`It did not return within ${LIMIT / 1000} s, and was ended.`), LIMIT);
  const end = (words, parts = []) => {
    clearTimeout(clock);
    worker.terminate();
    URL.revokeObjectURL(address);
    say.textContent = words;
    out.replaceChildren(...parts);
  };
  say.textContent = "Running.";
  worker.addEventListener("error", (event) => end(`It stopped: ${event.message}`));
  worker.addEventListener("message", ({ data: { broken, answers } }) =>
    broken ? end(`This is no function ${select.value}: ${broken}`) : end("Done.", verdict(data, answers)),
  );
  worker.postMessage({ source: source.value, name: select.value, cases: data.cases });
}

async function choose() {
  const [select, source] = ["select", "textarea"].map((one) => box.querySelector(one));
  data = await load(select.value);
  source.value = data.start;
  box.querySelector(".nn-answer").replaceChildren();
  box.querySelector("[role=status]").textContent = `${data.cases.length} questions, ${data.bugs.length} known bugs.`;
}

if (box) {
  const label = box.querySelector("label");
  const source = el("textarea", { rows: 12, spellcheck: false, ariaLabel: "Your function, in JavaScript" });
  const button = el("button", { type: "button", textContent: "Run (Ctrl+Enter)" });
  const status = el("p", { className: "nn-provenance" });
  status.setAttribute("role", "status");
  box.append(source, button, status, el("div", { className: "nn-answer" }));
  label.querySelector("select").addEventListener("change", choose);
  button.addEventListener("click", run);
  source.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && run());
  document.body.append(frame);
  Native = frame.contentWindow.Worker;
  choose();
}
