// The scheme that the reader chose on the site; buttons that copy. The page is whole without this.
for (const name of Object.keys(localStorage)) {
  if (name.endsWith(".__palette")) {
    const color = JSON.parse(localStorage.getItem(name))?.color ?? {};
    if (color.media !== "(prefers-color-scheme)") {
      document.documentElement.dataset.scheme = color.scheme;
    }
  }
}

function button(words, text) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    made.textContent = "Copied";
    setTimeout(() => (made.textContent = words), 1500);
  });
  return made;
}

addEventListener("DOMContentLoaded", () => {
  document.querySelector(".head").append(button("Copy link", () => location.href));
  for (const box of document.querySelectorAll("pre")) {
    const paste = document.createElement("div");
    paste.className = "paste";
    box.replaceWith(paste);
    paste.append(box, button("Copy", () => box.textContent));
  }
  for (const box of document.querySelectorAll(".nn-scroll, pre, .nn-display")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    }
  }
});
addEventListener("keydown", (event) => {
  const to = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  if (to && !event.altKey && !event.ctrlKey && !event.metaKey && document.activeElement === document.body) {
    document.querySelector(`.neighbours [rel=${to}]`)?.click();
  }
});
