/**
 * The figures of the page, one entry each: what a tile shows, and which series its charts draw.
 *
 * id               also its name in the comparison with yesterday
 * now(summary)     the figure of today, from the live summary; null where it would divide by nothing
 * change           "relative", or "points" for what is a rate itself
 * better           1 where more is better, -1 where less is
 * quality          what else is to be said of the figure, as {text, title}; null where nothing is
 * shown, exact     a value as text: as briefly as a tile needs it, and in full; `ticks` as on an axis
 * series           the metric of the time series; in a point of it, `raw` is what `exact` takes, `value` what is drawn
 * whole            whether values are whole numbers
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

const COUNT = {
  change: "relative",
  better: 1,
  quality: exactly,
  shown: brief,
  exact: count,
  ticks: tick,
  raw: counted,
  value: counted,
  whole: true,
  hint: "today",
};
const RATE = { ...COUNT, change: "points", better: -1, shown: percent, exact: percent, ticks: asPercent, whole: false };

export const METRICS = [
  {
    ...COUNT,
    id: "active_now",
    label: "Active now",
    now: (summary) => summary.active_now,
    quality: estimated,
    hint: "in the last 5 minutes",
    series: "visitors",
    charted: "Visitors",
  },
  {
    ...COUNT,
    id: "page_views",
    label: "Page views",
    now: (summary) => summary.page_views.today,
    series: "page_views",
    charted: "Page views",
  },
  {
    ...COUNT,
    id: "visitors",
    label: "Visitors",
    now: (summary) => summary.unique_metrics.visitors,
    quality: estimated,
    series: "visitors",
    charted: "Visitors",
  },
  {
    ...COUNT,
    id: "sessions",
    label: "Sessions",
    now: (summary) => summary.sessions.today,
    series: "sessions",
    charted: "Sessions",
  },
  {
    ...RATE,
    id: "bounce_rate",
    label: "Bounce rate",
    now: (summary) => summary.sessions.bounce_rate,
    hint: "of today’s sessions",
    series: "sessions",
    charted: "Bounce rate",
    raw: (point) => point.bounce_rate,
    value: (point) => point.bounce_rate,
  },
  {
    ...COUNT,
    id: "conversions",
    label: "Conversions",
    now: (summary) => summary.conversions.today,
    series: "conversions",
    charted: "Conversions",
  },
  {
    ...COUNT,
    id: "revenue",
    label: "Revenue",
    now: (summary) => summary.conversions.value[summary.quality.currency] ?? "0",
    quality: otherCurrencies,
    shown: moneyBrief,
    exact: money,
    series: "revenue",
    charted: "Revenue",
    value: (point) => (point.count === null ? null : Number(point.count)),
    whole: false,
  },
  {
    ...RATE,
    id: "error_rate",
    label: "Error rate",
    now: (summary) => summary.errors.rate,
    hint: "errors per page view",
    series: "error_rate",
    charted: "Error rate",
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
