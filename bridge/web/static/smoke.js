"use strict";
// Draws round-trip times as smoke: columns of time, rows of a logarithmic scale, darker
// where more replies lie, the median on top, coloured by what was lost.

const LOSSES = [
  [0, "loss-none", "nothing lost"],
  [0.05, "loss-little", "up to 5 %"],
  [0.2, "loss-some", "up to 20 %"],
  [0.5, "loss-much", "up to 50 %"],
  [1, "loss-most", "more"],
];
const MARGIN = { left: 62, right: 8, top: 8, bottom: 22 };
const FLAT = 1.3;
const SMOKE_HEIGHT = 300;

function lossClass(share) {
  return LOSSES.find(([most]) => share <= most + 1e-12)[1];
}

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function milliseconds(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const value = seconds * 1000;
  if (value < 1) return `${(value * 1000).toPrecision(3)} µs`;
  return value < 1000 ? `${value.toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}

// Of each span of time what was tried and what came of it: packets where they are
// counted, else results.
function tried(answer) {
  return answer.results.map((results, at) => (answer.sent[at]
    ? { time: answer.start + at * answer.width, of: answer.sent[at], got: answer.received[at], word: "packet" }
    : { time: answer.start + at * answer.width, of: results, got: results - answer.failed[at], word: "result" }));
}

class Smoke {
  constructor(place, note) {
    this.place = place;
    this.note = note;
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    place.replaceChildren(this.canvas);
    this.answer = null;
    this.canvas.addEventListener("mousemove", (event) => this.point(event));
    this.canvas.addEventListener("mouseleave", () => { note.textContent = this.told; });
    new ResizeObserver(() => this.draw()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(answer) {
    this.answer = answer;
    this.spans = tried(answer);
    const total = (name) => this.spans.reduce((sum, one) => sum + one[name], 0);
    const word = this.spans.some((one) => one.of && one.word === "result") ? "result" : "packet";
    this.told = total("of")
      ? `${many(total("of"), word)}, ${lost(total("of"), total("got"), word)}; a column is ${duration(answer.width)}`
      : "Nothing was tried in this time.";
    this.note.textContent = this.told;
    this.canvas.setAttribute("aria-label", `Distribution of round-trip times: ${this.told}`);
    this.draw();
  }

  // Seconds and pixels -----------------------------------------------------------------

  x(seconds) {
    return MARGIN.left + ((seconds - this.answer.start) / (this.end - this.answer.start)) * this.wide;
  }

  y(seconds) {
    const share = Math.log(seconds / this.bottom) / Math.log(this.top / this.bottom);
    return MARGIN.top + this.high * (1 - Math.min(1, Math.max(0, share)));
  }

  draw() {
    if (!this.answer) return;
    const width = Math.max(200, this.place.clientWidth);
    const ratio = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * ratio, height: SMOKE_HEIGHT * ratio });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${SMOKE_HEIGHT}px` });
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    this.wide = width - MARGIN.left - MARGIN.right;
    this.high = SMOKE_HEIGHT - MARGIN.top - MARGIN.bottom;
    const { start, width: step, bounds, counts } = this.answer;
    this.end = start + counts.length * step;
    // Without any time there is a scale all the same: losses stand on its floor.
    this.bottom = bounds.length ? bounds[0] : 0.001;
    this.top = bounds.length ? bounds[bounds.length - 1] : 1;
    this.axes(pen);
    this.cells(pen);
    this.medians(pen);
  }

  cells(pen) {
    const { counts, bounds, width } = this.answer;
    pen.fillStyle = colourOf("smoke");
    this.spans.forEach(({ time }, column) => {
      const most = Math.max(0, ...counts[column]);
      if (!most) return;
      const left = this.x(time);
      const wide = Math.max(1, this.x(time + width) - left);
      for (let at = 1; at < bounds.length; at += 1) {
        const count = counts[column][at];
        if (!count) continue;
        const ceiling = this.y(bounds[at]);
        pen.globalAlpha = 0.15 + 0.6 * (count / most);
        pen.fillRect(left, ceiling, wide, Math.max(1, this.y(bounds[at - 1]) - ceiling));
      }
    });
    pen.globalAlpha = 1;
  }

  medians(pen) {
    const { width, median } = this.answer;
    this.spans.forEach(({ time, of, got }, at) => {
      if (!of) return;
      pen.fillStyle = colourOf(lossClass(1 - got / of));
      const left = this.x(time);
      const wide = Math.max(2, this.x(time + width) - left);
      // What was lost whole has no place on the scale, so it stands on its floor.
      const y = median[at] === null ? MARGIN.top + this.high : this.y(median[at]);
      pen.fillRect(left, y - FLAT, wide, 2 * FLAT);
    });
  }

  axes(pen) {
    pen.font = "11px system-ui, sans-serif";
    pen.strokeStyle = colourOf("line");
    pen.fillStyle = colourOf("quiet");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const seconds of ticks(this.bottom, this.top)) {
      const y = Math.round(this.y(seconds)) + 0.5;
      line(pen, MARGIN.left, y, MARGIN.left + this.wide, y);
      pen.fillText(milliseconds(seconds), MARGIN.left - 6, y);
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const { start } = this.answer;
    const { end } = this;
    const number = Math.max(2, Math.floor(this.wide / 130));
    for (let at = 0; at < number; at += 1) {
      const seconds = start + ((at + 0.5) / number) * (end - start);
      const text = end - start > 2 * DAY ? moment(seconds).slice(5, 16) : clock(seconds);
      pen.fillText(text, this.x(seconds), MARGIN.top + this.high + 6);
    }
  }

  point(event) {
    const { width, median } = this.answer;
    const at = this.spans.findIndex(({ time }) => event.offsetX >= this.x(time) && event.offsetX < this.x(time + width));
    if (at < 0 || !this.spans[at].of) {
      this.note.textContent = this.told;
      return;
    }
    const { time, of, got, word } = this.spans[at];
    this.note.textContent =
      `${moment(time)}: median ${milliseconds(median[at])}, ${many(of, word)}, ${lost(of, got, word)}`;
  }
}

function lost(sent, received, word) {
  const [none, some] = word === "packet" ? ["none lost", "lost"] : ["none failed", "failed"];
  if (sent === received) return none;
  return `${(sent - received).toLocaleString("en")} ${some} (${percent(1 - received / sent)})`;
}

function line(pen, x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function ticks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of [1, 2, 5]) {
      const value = step * 10 ** power;
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found.length > 9 ? found.filter((value) => String(value.toExponential()).startsWith("1")) : found;
}
