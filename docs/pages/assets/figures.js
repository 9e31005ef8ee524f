// Figures that move. Each is one file in figures/ that calls nnFigure(name, build); without scripts its still picture stays.
(() => {
  const base = document.currentScript.src.replace(/[^/]*$/, "");
  const WIDEST = 700;

  function make(tag, given, ...children) {
    const element = Object.assign(document.createElement(tag), given);
    element.append(...children);
    return element;
  }

  // One figure: a drawing, its controls and a readout. build(kit) makes the controls and returns draw(width), which
  // returns {height, svg, text}: the drawing in pixels of the screen, so that its letters keep their size on a phone.
  function start(figure, name, build) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", figure.querySelector("img").alt);
    const canvas = make("div", { className: "nn-canvas" }, svg);
    const controls = make("div", { className: "nn-controls" });
    const text = make("div", { className: "nn-readout" });
    text.setAttribute("aria-live", "polite");
    let draw = null;
    let last = 0;

    function redraw() {
      const width = Math.min(canvas.clientWidth, WIDEST);
      if (!draw || !width) return; // folded away
      last = width;
      const drawn = draw(width);
      svg.setAttribute("viewBox", `0 0 ${width} ${drawn.height}`);
      svg.setAttribute("width", width);
      svg.setAttribute("height", drawn.height);
      svg.innerHTML = drawn.svg;
      text.innerHTML = drawn.text;
    }

    const kit = {
      numbers: globalThis.nnNumbers[name],

      // A labelled slider; its .value is a number. show: how the number reads.
      range(label, min, max, step, value, show = kit.number) {
        const input = make("input", { type: "range", min, max, step, value });
        const shown = make("span", { className: "nn-value", textContent: show(value) });
        const control = { input, value };
        input.setAttribute("aria-valuetext", show(value));
        input.addEventListener("input", () => {
          control.value = Number(input.value);
          shown.textContent = show(control.value);
          input.setAttribute("aria-valuetext", shown.textContent);
          redraw();
        });
        controls.append(make("label", {}, make("span", { textContent: label }), input, shown));
        return control;
      },

      // A labelled list to choose from; its .value is one of the options.
      choice(label, options, value = options[0]) {
        const select = make("select", {}, ...options.map((option) => make("option", { textContent: option })));
        select.value = value;
        select.addEventListener("input", redraw);
        controls.append(make("label", {}, make("span", { textContent: label }), select));
        return select;
      },

      // A number as it is read: at most four decimals, a true minus sign.
      number: (value, digits = 4) => String(Number(value.toFixed(digits))).replace("-", "\u2212"),
    };

    figure.querySelector("img:last-of-type").after(make("div", { className: "nn-stage" }, canvas, controls, text));
    draw = build(kit);
    figure.classList.add("nn-running");
    new ResizeObserver(() => canvas.clientWidth && Math.min(canvas.clientWidth, WIDEST) !== last && redraw()).observe(canvas);
    redraw();
  }

  const places = (name) => document.querySelectorAll(`figure[data-moving="${name}"]`);
  globalThis.nnFigure = (name, build) => places(name).forEach((figure) => start(figure, name, build));

  const names = new Set([...document.querySelectorAll("figure[data-moving]")].map((figure) => figure.dataset.moving));
  for (const name of names) {
    for (const file of [`generated/figures/${name}.js`, `figures/${name}.js`]) {
      document.head.append(make("script", { src: base + file, async: false })); // the numbers first
    }
  }
})();
