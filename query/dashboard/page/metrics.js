/**
 * The figures of the page, one entry each: what a tile shows, and which series its charts draw.
 *
 * now(summary)     the figure of today, from the live summary; null where it would divide by nothing
 * compared         its name in the comparison with yesterday
 * change           "relative", or "points" for what is a rate itself
 * better           1 where more is better, -1 where less is, 0 where it is neither
 * quality          what else is to be said of the figure, as {text, title}; null where nothing is
 * series, value    the metric of the time series, and its value in a point (a number, or null)
 * shown            a value of the figure as text; `ticks` on an axis
 */

import { brief, change, count, money, moneyBrief, percent, points, tick } from "./format.js";

const PER_MILLE = 1_000;

const asPercent = (value) => percent(value, 0);
const counted = (point) => point.count;

const exactly = () => null;

/** Distinct users are estimates (HyperLogLog). */
function estimated(summary, now) {
  const error = summary.quality.distinct.standard_error;
  return now > 0
    ? { text: `±${percent(error)}`, title: "an estimate; two in three are this close to the truth" }
    : null;
}

/** Sums of money are in the site's currency; nothing is converted. */
function otherCurrencies(summary) {
  const others = Object.entries(summary.conversions.value).filter(
    ([currency, amount]) => currency !== summary.quality.currency && Number(amount) !== 0,
  );
  if (others.length === 0) return null;
  return {
    text: `+${others.length}`,
    title: `and ${others.map(([currency, amount]) => money(amount, currency)).join(", ")}`,
  };
}

export const METRICS = [
  {
    id: "active_now",
    label: "Active now",
    compared: "active_now",
    change: "relative",
    better: 1,
    quality: estimated,
    now: (summary) => summary.active_now,
    shown: brief,
    exact: count,
    ticks: tick,
    series: "visitors",
    charted: "Visitors",
    value: counted,
    hint: "in the last 5 minutes",
  },
  {
    id: "page_views",
    label: "Page views",
    compared: "page_views",
    change: "relative",
    better: 1,
    quality: exactly,
    now: (summary) => summary.page_views.today,
    shown: brief,
    exact: count,
    ticks: tick,
    series: "page_views",
    charted: "Page views",
    value: counted,
    hint: "today",
  },
  {
    id: "visitors",
    label: "Visitors",
    compared: "visitors",
    change: "relative",
    better: 1,
    quality: estimated,
    now: (summary) => summary.unique_metrics.visitors,
    shown: brief,
    exact: count,
    ticks: tick,
    series: "visitors",
    charted: "Visitors",
    value: counted,
    hint: "today",
  },
  {
    id: "sessions",
    label: "Sessions",
    compared: "sessions",
    change: "relative",
    better: 1,
    quality: exactly,
    now: (summary) => summary.sessions.today,
    shown: brief,
    exact: count,
    ticks: tick,
    series: "sessions",
    charted: "Sessions",
    value: counted,
    hint: "today",
  },
  {
    id: "bounce_rate",
    label: "Bounce rate",
    compared: "bounce_rate",
    change: "points",
    better: -1,
    quality: exactly,
    now: (summary) => summary.sessions.bounce_rate,
    shown: percent,
    exact: percent,
    ticks: asPercent,
    series: "sessions",
    charted: "Bounce rate",
    value: (point) => point.bounce_rate,
    hint: "of today’s sessions",
  },
  {
    id: "conversions",
    label: "Conversions",
    compared: "conversions",
    change: "relative",
    better: 1,
    quality: exactly,
    now: (summary) => summary.conversions.today,
    shown: brief,
    exact: count,
    ticks: tick,
    series: "conversions",
    charted: "Conversions",
    value: counted,
    hint: "today",
  },
  {
    id: "revenue",
    label: "Revenue",
    compared: "revenue",
    change: "relative",
    better: 1,
    quality: otherCurrencies,
    now: (summary) => summary.conversions.value[summary.quality.currency] ?? "0",
    shown: moneyBrief,
    exact: money,
    ticks: tick,
    series: "revenue",
    charted: "Revenue",
    value: (point) => (point.count === null ? null : Number(point.count)),
    hint: "today",
  },
  {
    id: "error_rate",
    label: "Error rate",
    compared: "error_rate",
    change: "points",
    better: -1,
    quality: exactly,
    now: (summary) => summary.errors.rate,
    shown: percent,
    exact: percent,
    ticks: asPercent,
    series: "error_rate",
    charted: "Error rate",
    value: counted,
    hint: "errors per page view",
  },
];

/** The change of a figure from yesterday to now, as {text, direction, good}; null where there is none to compare. */
export function changeOf(metric, now, yesterday) {
  if (now === null || yesterday === null) return null;
  if (metric.change === "relative" && Number(yesterday) === 0) return null;
  const difference = Number(now) - Number(yesterday);
  const rate = metric.change === "points" ? difference : difference / Math.abs(Number(yesterday));
  const direction = Math.sign(Math.round(rate * PER_MILLE)); // as it is shown: what is 0.0 % has not changed
  const text = metric.change === "points" ? points(rate) : change(rate);
  return { text, direction, good: direction * metric.better };
}
