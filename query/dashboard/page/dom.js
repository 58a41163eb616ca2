/** Elements, made and changed. Every text goes in as text: nothing here, or anywhere on the page, parses markup. */

const SVG = "http://www.w3.org/2000/svg";

/** `h("p", {class: "note", hidden: false}, "text", child)`; an attribute that is null or false is left out. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Changes a text only where it differs, so that nothing is laid out or read aloud anew. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : String(value));
}

/** Says it to those who listen to the page. For what matters and is rare. */
export function announce(text) {
  setText(byId("announcement"), text);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}
