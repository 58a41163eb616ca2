/** Time series as the charts draw them, asked for and prepared. */

const HOURS_OF = { day: 24, week: 168 };
export const MINUTES = 60;

/**
 * The last day or week of a metric by the hour, and the same hours of the day or week before.
 *
 * @returns {Promise<{times: number[], points: object[], before: object[], open: boolean}>} `times` in epoch seconds
 */
export async function byHour(api, metric, range) {
  const hours = HOURS_OF[range];
  const answer = await api.ask("v1/metrics/timeseries", { metric: metric.series, interval: "hour", hours: 2 * hours });
  return prepared(answer.points.slice(-hours), answer.points.slice(-2 * hours, -hours));
}

/** The last hour by the minute. */
export async function byMinute(api, metric) {
  const answer = await api.ask("v1/metrics/timeseries", { metric: metric.series, interval: "minute", hours: 1 });
  return prepared(answer.points.slice(-MINUTES), []);
}

function prepared(points, before) {
  return {
    times: points.map((point) => Date.parse(point.start) / 1000),
    points,
    before,
    open: points.at(-1)?.open ?? false,
  };
}
