"""How well every text on a page stands out from what is behind it, worked out in the page itself."""

from __future__ import annotations

from typing import Final

CONTRASTS: Final = """() => {
  const parsed = text => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((part, i) => part * a + under[i] * (1 - a));
  const luminance = colour => {
    const [r, g, b] = colour.map(part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  // All backgrounds behind an element, the nearest last; a bar lies behind the texts of its row.
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.unshift(parsed(getComputedStyle(at).backgroundColor));
      const bar = at.querySelector(":scope > .bar");
      if (bar && at !== element) {
        const [r, g, b, a] = parsed(getComputedStyle(bar).backgroundColor);
        layers.push([r, g, b, a * getComputedStyle(bar).opacity]);
      }
    }
    return layers.reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (style.visibility === "hidden" || box.width < 2 || box.height < 2 || element.disabled) continue;
    const said = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join("");
    const input = element.matches("input:not([type=radio]), select");
    if (!said && !input) continue;
    const ground = behind(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const text = over(parsed(style.color), ground);
    const of = element.className || element.id;
    found.push({text: said || element.value, of, ratio: ratio(text, ground), least: large ? 3 : 4.5});
    if (!input) continue;
    const edge = parsed(style.borderColor).slice(0, 3);
    found.push({text: "its edge", of, ratio: ratio(edge, behind(element.parentElement)), least: 3});
  }
  return found;
}"""
