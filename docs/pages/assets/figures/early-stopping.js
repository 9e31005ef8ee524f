// A training run with its validation loss: patience and min_delta decide where it is stopped.
nnFigure("early-stopping", ({ numbers, range, number }) => {
  const { high, names, curves } = numbers;
  const patience = range("patience", 1, 40, 1, 20);
  const delta = range("min_delta", 0, 0.1, 0.005, 0, (v) => number(v, 3));
  const epochs = curves.validation.length;

  function watch() {
    let [best, wait] = [-1, 0];
    for (let t = 0; t < epochs; t += 1) {
      if (best < 0 || curves.validation[t] < curves.validation[best] - delta.value) {
        [best, wait] = [t, 0];
      } else if (++wait === patience.value) {
        return [t, best];
      }
    }
    return [-1, best];
  }

  return (width) => {
    const [left, top, tall] = [44, 40, 220];
    const wide = width - left - 12;
    const px = (t) => left + (t / (epochs - 1)) * wide;
    const py = (v) => top + (1 - v / high) * tall;
    let svg = `<text class="strong" x="2" y="13">loss after each epoch</text>`;
    for (let v = 0; v <= high; v += 0.2) {
      svg += `<line class="grid" x1="${left}" x2="${left + wide}" y1="${py(v)}" y2="${py(v)}"/>
        <text x="${left - 6}" y="${py(v) + 4}" text-anchor="end">${number(v, 1)}</text>`;
    }
    for (let t = 0; t < epochs; t += 20) {
      svg += `<text x="${px(t)}" y="${top + tall + 18}" text-anchor="middle">${t}</text>`;
    }
    const dashes = [' stroke-dasharray="2 3"', "", ' stroke-dasharray="8 4"'];
    const keys = Object.keys(names);
    const lines = keys.map((name, k) => {
      const line = curves[name].map((v, t) => `${px(t).toFixed(1)} ${py(v).toFixed(1)}`).join("L");
      return `<path class="s${k}" fill="none"${dashes[k]} d="M${line}"/>`;
    });
    svg += `<svg x="${left}" y="${top}" width="${wide}" height="${tall}" viewBox="${left} ${top} ${wide} ${tall}">${lines.join("")}</svg>`;
    const [stopped, best] = watch();
    const end = stopped < 0 ? epochs - 1 : stopped;
    const mark = (t, word) => `<line class="ink" x1="${px(t)}" x2="${px(t)}" y1="${top}" y2="${top + tall}"/>
      <text class="strong" x="${px(t)}" y="${word === "best" ? 30 : 13}" text-anchor="${t > epochs / 2 ? "end" : "start"}">${word}</text>`;
    svg += mark(best, "best") + (stopped < 0 ? "" : mark(stopped, "stop").replace('y="13"', `y="${top - 10}" dx="${stopped - best < 14 ? 34 : 0}"`));
    const rows = keys.map((name, k) => `<tr><th scope="row"><svg width="26" height="10"><line class="s${k}" x2="26" y1="5" y2="5"${dashes[k]}/></svg> ${names[name]}</th>
      <td>${number(curves[name][best], 4)}</td><td>${number(curves[name][end], 4)}</td></tr>`);
    const text = `<table class="nn-numbers"><tr><th>loss</th><th>best: ${best}</th><th>${stopped < 0 ? "end" : "stop"}: ${end}</th></tr>${rows.join("")}</table>
      <p class="line">${stopped < 0 ? "training comes to its end without a stop" : `training stops after evaluation ${stopped}; the parameters of ${best} come back`}</p>`;
    return { height: top + tall + 26, svg, text };
  };
});
