// What of a page has too little contrast, as the body of a function: see access.py.
const faults = [];
const parse = (text) => text.match(/[\d.]+/g).map(Number);
const over = ([r, g, b, a = 1], [x, y, z]) => [r, g, b].map((one, k) => a * one + (1 - a) * [x, y, z][k]);
const light = (rgb) => {
  const [r, g, b] = rgb.map((code) => code / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const behind = (element) => {
  if (!element) return [255, 255, 255];
  return over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement));
};
const check = (element, what, one, other, least) => {
  const found = ratio(one, other);
  if (found < least) faults.push(`${what} ${element.tagName}#${element.id}.${element.className}: ${found.toFixed(2)}`);
};
for (const element of document.querySelectorAll("body, body *")) {
  const style = getComputedStyle(element);
  if (!element.checkVisibility({ visibilityProperty: true }) || element.disabled) continue;
  if (element.closest("#swatches, #stage img, svg")) continue;  // colors of the film
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
  if (own) check(element, "text", over(parse(style.color), behind(element)), behind(element), isLarge ? 3 : 4.5);
  if (element.matches("button, select, input[type=number], input[type=text]")) {
    const edge = over(parse(style.borderTopColor), behind(element)), outside = behind(element.parentElement);
    check(element, "edge", edge, outside, ratio(behind(element), outside) >= 3 ? 0 : 3);
  }
}
return faults;
