// The site's search: a dialog over two files that are loaded as scripts, so that it works from file:// too. The first
// has titles, terms, other names and first sentences; the second, loaded behind the first results, all the text.
(() => {
  const STOP = new Set(
    ("a an and are as at be by can do does for from had has have how i if in into is it its me my of on or than that " +
      "the their then there this to use using was what when where which who why will with").split(" "),
  );
  const KINDS = { topic: 2.5, term: 1.8, guide: 1.5, section: 1.4, clause: 1, experiment: 0.6, aside: 0.5, result: 0.4, code: 0.3 };
  const FIRST = ["topic", "section", "term", "guide", "clause", "experiment", "aside", "result", "code"]; // of the same name
  const SHOWN = 24;

  // One word as it is compared: without case, accents, plural and British spelling; nothing of a word that says nothing.
  function term(word) {
    const plain = word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    if (STOP.has(plain)) return null;
    return plain
      .replace(/([a-z]{3,})ies$/, "$1y")
      .replace(/([a-z]{2,}[^su])s$/, "$1")
      .replace(/([a-z]{3,})is(e|ed|ing|ation|er)$/, "$1iz$2");
  }

  const split = (text) => text.split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  // Words of a text; BatchNorm is also Batch and Norm.
  function indexed(text) {
    return split(text).flatMap((word) => {
      const parts = word.split(/(?<=[a-z0-9])(?=[A-Z])/);
      return parts.length > 1 && parts.every((part) => part.length > 2) ? [word, ...parts] : [word];
    });
  }

  const name = (text) => split(text).map(term).filter(Boolean).join(" ");

  // What finds: `find(words)` gives the numbers of entries, best first; `add(texts)` gives it the whole text.
  function finder(MiniSearch, rows) {
    const options = { tokenize: indexed, processTerm: term };
    const asked = {
      tokenize: split,
      processTerm: term,
      combineWith: "AND",
      prefix: (word, at, all) => word.length > 3 || (at === all.length - 1 && word.length > 1),
      fuzzy: (word) => (word.length > 4 && /^\p{L}+$/u.test(word) ? 0.2 : false),
      weights: { fuzzy: 0.2, prefix: 0.5 },
      maxFuzzy: 2,
    };
    const titles = new MiniSearch({ ...options, fields: ["title", "aliases", "sentence"] });
    const texts = new MiniSearch({ ...options, fields: ["text"] });
    const named = new Map();
    const entries = rows.map(([address, kind, title, sentence, aliases = []], id) => {
      for (const text of [title.split(" · ")[0], ...aliases, address.split("#")[1] ?? ""]) {
        const key = name(text);
        if (key && !(named.get(key) ?? []).includes(id)) named.set(key, [...(named.get(key) ?? []), id]);
      }
      return { id, address, kind, title, sentence, aliases: aliases.join(" . ") };
    });
    titles.addAll(entries);
    const weight = (id) => KINDS[entries[id].kind];
    const boost = { title: 4, aliases: 4, sentence: 1 };

    function find(words) {
      const exact = rows.findIndex(([address, kind]) => kind === "clause" && address.endsWith(`#${words.trim()}`));
      const last = /\s/.test(words.trim()) ? words : words.split(".").at(-1); // Linear of torch.nn.Linear
      const same = named.get(name(words)) ?? named.get(name(last)) ?? [];
      const called = same.filter((id) => weight(id) >= 1);
      called.sort((a, b) => FIRST.indexOf(entries[a].kind) - FIRST.indexOf(entries[b].kind) || a - b);
      const broad = { ...asked, boost, boostDocument: weight };
      const found = titles.search(words, broad);
      const deep = texts.search(words, { ...asked, fuzzy: false, boostDocument: weight });
      const some = found.length + deep.length < 3 ? titles.search(indexed(words).join(" "), { ...broad, combineWith: "OR" }) : [];
      const ids = [...(exact < 0 ? [] : [exact]), ...called, ...[...found, ...deep, ...some].map((hit) => hit.id)];
      const seen = new Set(); // of an address once: a term may lead to the section that is found too
      const once = ids.filter((id) => !seen.has(entries[id].address) && seen.add(entries[id].address));
      return once.slice(0, SHOWN).map((id) => entries[id]);
    }

    const documents = (found) => found.map(([id, text]) => ({ id, text }));
    return {
      find,
      add: (found) => texts.addAll(documents(found)),
      addSlowly: (found) => texts.addAllAsync(documents(found), { chunkSize: 40 }),
    };
  }
  globalThis.nnspecFinder = finder;
  if (!globalThis.document) return; // a test without a browser

  // ------------------------------------------------------------------ the dialog
  const root = new URL("../", document.currentScript.src);
  const NAMES = {
    topic: "Topic", term: "Term", guide: "Guide", section: "Section", aside: "Section", clause: "Clause", experiment: "Measured",
    result: "Results", code: "Code",
  };
  let dialog, field, list, said, ready;

  function script(path) {
    return new Promise((done, failed) => {
      const made = document.createElement("script");
      made.src = new URL(path, root);
      made.onload = done;
      made.onerror = () => failed(new Error(path));
      document.head.append(made);
    });
  }

  function load() {
    ready ??= Promise.all([script("assets/generated/minisearch.js"), script("search/titles.js")]).then(() =>
      finder(globalThis.MiniSearch, globalThis.nnspecSearch.titles),
    );
    ready.catch(() => {
      said.textContent = "The search could not be loaded.";
      ready = undefined;
    });
    return ready;
  }

  let whole;
  function loadText(found) {
    whole ??= script("search/text.js").then(() => found.addSlowly(globalThis.nnspecSearch.text)).then(show, () => {});
  }

  // Where the words stand in a text, marked.
  function marked(text, words) {
    const box = document.createDocumentFragment();
    const sought = split(words).filter((word) => term(word)).map((word) => word.toLowerCase());
    const parts = text.split(/([\p{L}\p{N}]+)/u);
    for (const part of parts) {
      const hit = sought.some((word) => part.toLowerCase().startsWith(word));
      box.append(hit ? Object.assign(document.createElement("mark"), { textContent: part }) : part);
    }
    return box;
  }

  async function show() {
    const words = field.value;
    if (!words.trim()) {
      list.replaceChildren();
      said.textContent = "Type a word, a question or the id of a clause.";
      return;
    }
    const found = await load();
    if (words !== field.value) return;
    const hits = found.find(words);
    list.replaceChildren(
      ...hits.map((entry) => {
        const link = document.createElement("a");
        link.href = new URL(entry.address, root);
        const title = document.createElement("strong");
        title.append(marked(entry.title, words));
        const kind = document.createElement("span");
        kind.className = "nn-find-kind";
        kind.textContent = NAMES[entry.kind];
        const sentence = document.createElement("span");
        sentence.className = "nn-find-sentence";
        sentence.append(marked(entry.sentence, words));
        link.append(title, " ", kind, " ", sentence);
        const item = document.createElement("li");
        item.append(link);
        return item;
      }),
    );
    said.textContent = hits.length === 0 ? "Nothing found." : hits.length === 1 ? "1 result" : `${hits.length} results`;
    loadText(found);
  }

  function build() {
    dialog = document.createElement("dialog");
    dialog.className = "nn-find-dialog";
    dialog.setAttribute("aria-label", "Search");
    dialog.innerHTML =
      '<form role="search" method="dialog"><input type="text" enterkeyhint="search" aria-label="Search words" autocomplete="off" ' +
      'autocapitalize="off" spellcheck="false" placeholder="dying relu, adam epsilon, relu.value">' +
      '<button type="button">Close</button></form><p role="status"></p><ol></ol>';
    [field, said, list] = ["input", "p", "ol"].map((tag) => dialog.querySelector(tag));
    field.addEventListener("focus", () => load().catch(() => {}));
    field.addEventListener("input", () => show().catch(() => {}));
    dialog.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      await show().catch(() => {});
      list.querySelector("a")?.click();
    });
    dialog.querySelector("button").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("a")) dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!way) return;
      const stops = [field, ...list.querySelectorAll("a")];
      const at = stops.indexOf(document.activeElement);
      stops[Math.min(Math.max(at + way, 0), stops.length - 1)].focus();
      event.preventDefault();
    });
    document.body.append(dialog);
  }

  function open() {
    if (!dialog) build();
    if (!dialog.open) dialog.showModal();
    field.focus();
    field.select();
    show().catch(() => {});
  }
  globalThis.nnspecOpenSearch = open;

  addEventListener("DOMContentLoaded", () => {
    document.querySelector(".nn-find")?.addEventListener("click", open);
    if (location.hash === "#find") open(); // from a page without a search of its own
  });
})();
