// look.js: what can be seen wrong with a page: each function returns a list of faults, in words.

const shown = (element) => {
  const style = getComputedStyle(element);
  return element.checkVisibility({ visibilityProperty: true }) && style.clipPath === "none" &&
    element.getBoundingClientRect().right > 0;
};

const name = (element) => {
  const text = (element.textContent || "").trim().slice(0, 40);
  return `<${element.localName}${element.id && ` id=${element.id}`}> "${text}"`;
};

// --- Contrast, as WCAG 2.2 defines it ---

// Any colour that CSS can write -> [red, green, blue, alpha], 0 to 1.
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const colours = new Map();  // reading the canvas takes long
const colour = (text) => {
  if (!colours.has(text)) colours.set(text, drawn(text));
  return [...colours.get(text)];
};
const drawn = (text) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].map((byte) => byte / 255);
};

const over = (top, below) =>
  [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);

// What lies behind an element's text: its own background over its ancestors' down to the page's.
const backdrop = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.unshift(colour(getComputedStyle(at).backgroundColor));
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return layers.reduce((below, top) => over(top, below), dark ? [0.07, 0.07, 0.07, 1] : [1, 1, 1, 1]);
};

const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

const ratio = (a, b) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};

const opacity = (element) => {
  let all = 1;
  for (let at = element; at; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
  return all;
};

const faint = (element, ink, needed, what) => {
  const behind = backdrop(element);
  const front = colour(ink);
  front[3] *= opacity(element);
  const found = ratio(over(front, behind), behind);
  return found >= needed ? [] : [`${what} of ${name(element)}: contrast ${found.toFixed(2)}, not ${needed}`];
};

const contrast = () => {
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element) || !shown(element)) continue;
    seen.add(element);
    if (element.closest("title, desc, script, style, noscript, option")) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    faults.push(...faint(element, element.closest("svg") ? style.fill : style.color, large ? 3 : 4.5, "text"));
  }
  for (const input of document.querySelectorAll("input, textarea, select")) {
    if (!shown(input) || ["checkbox", "radio", "hidden"].includes(input.type)) continue;
    faults.push(...faint(input, getComputedStyle(input).color, 4.5, "text"));
    if (input.placeholder) faults.push(...faint(input, getComputedStyle(input, "::placeholder").color, 4.5, "placeholder"));
    if (input.type !== "file") faults.push(...faint(input.parentElement, getComputedStyle(input).borderTopColor, 3, "edge of input"));
  }
  return faults;
};

// --- Room ---

const width = () => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window");
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    const scrolls = element.parentElement.closest("pre, .scroll, svg");
    if (shown(element) && !scrolls && box.right > innerWidth + 0.5) faults.push(`${name(element)} ends at ${box.right} of ${innerWidth}`);
  }
  return faults;
};

// Fingers need 24 px at least; words within a text are exempt.
const targets = () => {
  const faults = [];
  for (const element of document.querySelectorAll("button, .button, summary, input, select, textarea")) {
    const box = element.getBoundingClientRect();
    const label = element.labels && element.labels[0];
    const small = box.height < 24 || box.width < 24;
    if (element.type !== "hidden" && shown(element) && small && !(label && label.getBoundingClientRect().height >= 24)) {
      faults.push(`${name(element)} is only ${box.width} x ${box.height}`);
    }
  }
  return faults;
};

// --- Names and order ---

const names = () => {
  const faults = [];
  for (const input of document.querySelectorAll("input:not([type=hidden]), textarea, select")) {
    const label = input.labels[0];
    if (shown(input) && (!label || !label.textContent.trim())) faults.push(`${name(input)} has no label`);
  }
  for (const element of document.querySelectorAll("button, a, summary")) {
    if (!element.textContent.trim() && !element.ariaLabel) faults.push(`${name(element)} has no name`);
  }
  for (const picture of document.querySelectorAll("svg, img")) {
    if (!picture.querySelector("title") && !picture.alt && picture.ariaHidden !== "true") faults.push(`${name(picture)} has no name`);
  }
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for]")) {
    const ids = element.htmlFor || element.getAttribute("aria-describedby") || element.getAttribute("aria-labelledby");
    for (const id of ids.split(/\s+/)) {
      if (!document.getElementById(id)) faults.push(`${name(element)} names ${id}, which is not there`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) {
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`the id ${id} is there twice`);
  }
  if (document.querySelectorAll("main").length !== 1) faults.push("there is not one <main>");
  if (document.querySelectorAll("h1").length !== 1) faults.push("there is not one <h1>");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) faults.push(`${name(heading)} skips a level`);
    level = next;
  }
  if (!document.title) faults.push("there is no title");
  if (!document.documentElement.lang) faults.push("there is no language");
  return faults;
};

// How the element with the focus is marked; empty: not at all.
const focusMark = () => {
  const element = document.activeElement;
  const marks = () => {
    const style = getComputedStyle(element);
    return [style.outlineStyle, style.outlineWidth, style.outlineColor].join(" ");
  };
  const focused = marks();
  const visible = getComputedStyle(element).outlineStyle !== "none" && parseFloat(getComputedStyle(element).outlineWidth) >= 2;
  element.blur();
  const differs = focused !== marks();
  element.focus({ focusVisible: true });
  return differs && visible ? focused : "";
};
