// Boxes that scroll sideways can be reached with the keyboard; a link into a folded part unfolds it.
function reachable() {
  const boxes = document.querySelectorAll(".nn-scroll, .nn-display, .md-typeset pre > code, .md-typeset__scrollwrap");
  for (const box of boxes) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
}

function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target?.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
  }
}

// What the reader unfolds is printed, and nothing else that is folded.
addEventListener("click", (event) => {
  const box = event.target.closest("summary")?.parentElement;
  box?.classList.toggle("nn-unfolded", !box.open);
});

// A clause's address, in one click.
function copyable() {
  for (const line of document.querySelectorAll(".nn-verdict")) {
    const heading = line.parentElement.querySelector(".nn-clause-head > [id]");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "nn-copy";
    button.textContent = "Copy link";
    button.setAttribute("aria-label", `Copy the link to ${heading.id}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(`${location.href.split("#")[0]}#${heading.id}`);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy link"), 1500);
    });
    line.append(button);
  }
}

// The theme gives its search dialog no name, and makes a landmark of every nested list and of every button that copies.
function named() {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const list of document.querySelectorAll(".md-nav .md-nav:not([role]), .md-code__nav:not([role])")) {
    list.setAttribute("role", "none");
    for (const name of ["aria-label", "aria-labelledby", "aria-expanded"]) {
      list.removeAttribute(name); // what has no role has no name
    }
  }
}
new MutationObserver(named).observe(document.documentElement, { childList: true, subtree: true });

addEventListener("DOMContentLoaded", named);
addEventListener("load", reachable);
addEventListener("DOMContentLoaded", copyable);
addEventListener("resize", reachable);
addEventListener("toggle", reachable, true);
addEventListener("hashchange", unfold);
addEventListener("DOMContentLoaded", unfold);
