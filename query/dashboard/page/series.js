/** Time series as the charts draw them, asked for and prepared. */

const HOURS_OF = { day: 24, week: 168 };
export const MINUTES = 60;

/**
 * @typedef {object} Series
 * @property {number[]} times where each point begins, in epoch seconds
 * @property {object[]} points as the server answers them
 * @property {object[]} before those of the same hours of the day or week before, if any
 * @property {boolean} open whether the last point still counts
 * @property {number | null} error the relative standard error of the counts, where they are estimates
 * @property {number} gone how many points are no longer kept
 */

/** The last day or week of a metric by the hour, and the one before. @returns {Promise<Series>} */
export async function byHour(api, metric, range) {
  const hours = HOURS_OF[range];
  const answer = await api.ask("v1/metrics/timeseries", { metric: metric.series, interval: "hour", hours: 2 * hours });
  return prepared(answer, answer.points.slice(-hours), answer.points.slice(-2 * hours, -hours));
}

/** The last hour by the minute. @returns {Promise<Series>} */
export async function byMinute(api, metric) {
  const answer = await api.ask("v1/metrics/timeseries", { metric: metric.series, interval: "minute", hours: 1 });
  return prepared(answer, answer.points.slice(-MINUTES), []);
}

function prepared({ quality }, points, before) {
  return {
    times: points.map((point) => Date.parse(point.start) / 1000),
    points,
    before,
    open: points.at(-1)?.open ?? false,
    error: quality.count.standard_error ?? null,
    gone: quality.no_longer_kept,
  };
}
