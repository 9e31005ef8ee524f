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

addEventListener("load", reachable);
addEventListener("resize", reachable);
addEventListener("toggle", reachable, true);
addEventListener("hashchange", unfold);
addEventListener("DOMContentLoaded", unfold);
