/** The funnel: asked for with the steps that were built, and drawn as bars with what a table would say beside them. */

import { tolerate } from "./api.js";
import { announce, byId, h, setAttribute, setText } from "./dom.js";
import { count, duration, money, percent } from "./format.js";
import { KINDS, Steps } from "./steps.js";

/** `known()` gives names for suggestions. */
export function startFunnel(api, known) {
  const form = byId("funnel-form");
  const steps = new Steps(byId("funnel-steps"), byId("funnel-names"), byId("funnel-add"), known);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const options = { days: Number(form.days.value), window: form.window.value, order: form.order.value };
    const button = form.querySelector("[type=submit]");
    setAttribute(button, "aria-busy", "true");
    try {
      draw(await api.post("v1/funnels", { steps: steps.asked(), ...options }));
      setText(byId("funnel-refusal"), "");
    } catch (problem) {
      tolerate(problem);
      setText(byId("funnel-refusal"), problem.message);
    } finally {
      setAttribute(button, "aria-busy", null);
    }
  });
}

function draw(answer) {
  const place = byId("funnel-drawing");
  setAttribute(byId("funnel-blank"), "hidden", true);
  place.querySelector(".drawn")?.remove();
  const most = Math.max(1, ...answer.steps.map((step) => step.users));
  const last = answer.steps.at(-1);
  const [first] = answer.steps;
  const summary =
    `${count(last.users)} of ${count(first.users)} users went all the way` +
    (last.rate_from_start === null ? "." : `: ${percent(last.rate_from_start / 100)}.`);
  place.append(
    h(
      "div",
      { class: "drawn" },
      h("p", { class: "funnel-sum" }, summary),
      h(
        "ol",
        { class: "funnel-bars", "aria-label": "Steps of the funnel" },
        ...answer.steps.map((step, index) => row(step, index, most)),
      ),
      h("p", { class: "note" }, quality(answer)),
    ),
  );
  announce(summary);
}

function row(step, index, most) {
  const at = step.step.indexOf(":");
  const bar = h("span", { class: "funnel-bar", "aria-hidden": "true" });
  bar.style.transform = `scaleX(${(step.users / most).toFixed(4)})`;
  const value = Object.entries(step.value).map(([currency, amount]) => money(amount, currency));
  return h(
    "li",
    {},
    h(
      "div",
      { class: "funnel-head" },
      h(
        "span",
        { class: "funnel-name" },
        h("span", { class: "kind" }, KINDS[step.step.slice(0, at)] ?? ""),
        " ",
        h("b", { title: step.step }, step.step.slice(at + 1)),
      ),
      h("span", { class: "funnel-users" }, h("b", {}, count(step.users)), " users"),
    ),
    h("div", { class: "funnel-track", "aria-hidden": "true" }, bar),
    h(
      "dl",
      { class: "funnel-facts" },
      ...(index === 0 ? [] : later(step)),
      ...(value.length ? fact("worth", value.join(" + ")) : []),
      ...fact("events", count(step.events)),
    ),
  );
}

function later(step) {
  return [
    ...fact("of the step before", percent(step.rate_from_previous === null ? null : step.rate_from_previous / 100)),
    ...fact("of all", percent(step.rate_from_start === null ? null : step.rate_from_start / 100)),
    ...fact("left here", count(step.drop_off.users)),
    ...fact("median time", duration(step.median_s)),
    ...fact("for 90 % of them", duration(step.p90_s)),
  ];
}

function fact(name, value) {
  return [h("div", {}, h("dt", {}, name), h("dd", {}, value))];
}

function quality(answer) {
  const said = [
    `Over ${answer.analysis_period}${answer.quality.open ? ", still counting" : ""}.`,
    answer.semantics.rules[0],
  ];
  if (answer.quality.truncated.names)
    said.push("Approximate: a day had more page names than are kept for an asterisk.");
  if (answer.quality.truncated.retention) said.push("Cut off: the period begins before what is kept.");
  return said.join(" ");
}
