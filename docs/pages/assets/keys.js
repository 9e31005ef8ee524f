// Keys: / searches, j and k go to the next and the previous clause, ? tells of them. They can be switched off, since
// who speaks to the computer may say such a letter without meaning it; n and p of the theme go with them.
(() => {
  const OFF = "nnspec.keys-off";
  const HELP =
    '<h2>Keys</h2><dl><dt><kbd>/</kbd></dt><dd>search</dd><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next, previous ' +
    "clause</dd><dt><kbd>n</kbd> <kbd>p</kbd></dt><dd>next, previous page</dd><dt><kbd>?</kbd></dt><dd>this list</dd>" +
    '</dl><label><input type="checkbox"> Keys of one letter are on</label><form method="dialog"><button>Close</button></form>';
  let help;

  const isOff = () => localStorage.getItem(OFF) === "1";
  const typing = (element) => element.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, dialog[open]");

  function tell() {
    if (!help) {
      help = document.createElement("dialog");
      help.className = "nn-find-dialog nn-keys";
      help.setAttribute("aria-label", "Keys");
      help.innerHTML = HELP;
      help.querySelector("input").addEventListener("change", (event) => {
        if (event.target.checked) localStorage.removeItem(OFF);
        else localStorage.setItem(OFF, "1");
      });
      document.body.append(help);
    }
    help.querySelector("input").checked = !isOff();
    help.showModal();
  }
  globalThis.nnspecTellKeys = tell;

  // To the clause after or before the one that the reader is at: the one in the address, while it is in sight.
  function step(way) {
    const heads = [...document.querySelectorAll(".nn-clause-head > [id], .nn-fine-id")];
    const edge = (head) => {
      let seen = head;
      while (!seen.checkVisibility()) seen = seen.parentElement; // of a folded clause, what it is folded into
      return seen.getBoundingClientRect().top;
    };
    const named = heads.findIndex((head) => `#${head.id}` === decodeURIComponent(location.hash));
    const inSight = named >= 0 && edge(heads[named]) > -10 && edge(heads[named]) < innerHeight;
    const below = heads.findIndex((head) => edge(head) > 120);
    const to = inSight ? named + way : way > 0 ? below : (below < 0 ? heads.length : below) - 1;
    const head = heads[to];
    if (!head) return;
    for (let box = head.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    history.replaceState(null, "", `#${head.id}`);
    if (head.localName !== "a") head.tabIndex = -1; // in fine print the id is a link
    head.focus({ preventScroll: true });
    head.scrollIntoView({ block: "start" });
  }

  const KEYS = { "/": () => globalThis.nnspecOpenSearch(), "?": tell, j: () => step(1), k: () => step(-1) };
  addEventListener(
    "keydown",
    (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.key.length !== 1 || typing(event.target)) return;
      if (isOff() && event.key !== "?") {
        event.stopImmediatePropagation();
      } else if (KEYS[event.key]) {
        event.preventDefault();
        KEYS[event.key]();
      }
    },
    { capture: true },
  );
})();
