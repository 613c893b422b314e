"use strict";
// Line charts as SVG, of the last points of a few lines. Unknown values are gaps.

const POINTS = 120;
const WIDTH = 600;
const HEIGHT = 170;
const LEFT = 62;
const BOTTOM = 18;
const SVG = "http://www.w3.org/2000/svg";
const LETTERS = ["a", "b", "c", "d"];

function made(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

class Chart {
  // `names` are of the lines, `show` writes a value, `top` is the least highest value.
  constructor(place, names, show, top) {
    this.names = names;
    this.show = show;
    this.top = top;
    this.fixed = top === 100;
    this.points = [];
    this.key = document.createElement("ul");
    this.key.className = "key";
    this.cells = names.map((name, at) => {
      const item = document.createElement("li");
      const swatch = document.createElement("i");
      swatch.className = LETTERS[at];
      const value = document.createElement("b");
      value.textContent = "–";
      item.append(swatch, `${name} `, value);
      this.key.append(item);
      return value;
    });
    this.svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    place.append(this.key, this.svg);
  }

  add(time, values) {
    this.points.push({ time, values });
    if (this.points.length > POINTS) this.points.shift();
    this.cells.forEach((cell, at) => { cell.textContent = this.show(values[at]); });
    this.draw();
  }

  clear() {
    this.points = [];
  }

  highest() {
    if (this.fixed) return this.top;
    const known = this.points.flatMap((point) => point.values).filter((value) => value !== null);
    return round(Math.max(this.top, ...known));
  }

  draw() {
    const high = this.highest();
    const height = HEIGHT - BOTTOM;
    const y = (value) => 6 + (height - 6) * (1 - value / high);
    const x = (at) => LEFT + (WIDTH - LEFT) * (at + POINTS - this.points.length) / (POINTS - 1);
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const at = y(high * share);
      parts.push(made("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: at, y2: at }));
      parts.push(made("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, this.show(high * share)));
    }
    this.names.forEach((_, line) => {
      let path = "";
      let gap = true;
      this.points.forEach((point, at) => {
        const value = point.values[line];
        if (value === null) { gap = true; return; }
        path += `${gap ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
        gap = false;
      });
      parts.push(made("path", { class: `line ${LETTERS[line]}`, d: path || "M0 0" }));
    });
    const first = this.points[0];
    const last = this.points[this.points.length - 1];
    parts.push(made("text", { x: x(0), y: HEIGHT - 3 }, clock(first.time)));
    if (this.points.length > 20) parts.push(made("text", { x: WIDTH, y: HEIGHT - 3, "text-anchor": "end" }, clock(last.time)));
    this.svg.replaceChildren(...parts);
    const told = this.names.map((name, at) => `${name} ${this.cells[at].textContent}`).join(", ");
    this.svg.setAttribute("aria-label", `${this.points.length} points; now ${told}`);
  }
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("sv");
}

// The next number that is 1, 2 or 5 times a power of ten.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
