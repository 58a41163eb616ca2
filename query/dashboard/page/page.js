/** The page at work: what the stream brings is shown at once, and what it only hints at is asked for. */

import { tolerate } from "./api.js";
import { Asking } from "./asking.js";
import { Boards } from "./boards.js";
import { Chart } from "./chart.js";
import { byId, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { clock, count, formatFor } from "./format.js";
import { firstEvent } from "./fresh.js";
import { startFunnel } from "./funnel.js";
import { History } from "./history.js";
import { METRICS } from "./metrics.js";
import { Panels } from "./panels.js";
import { byHour, byMinute } from "./series.js";
import { Standing } from "./standing.js";
import { Stream } from "./stream.js";
import { Tiles } from "./tiles.js";

export class Page {
  #api;
  #metric = METRICS[1];
  #range;
  #counted = ""; // what the last summary had counted
  #visitors = 0; // of today
  #lostAt = null;

  constructor(api, comparison) {
    this.#api = api;
    this.#range = byId("hours-range").querySelector(":checked").value; // which a browser may have kept from before
    formatFor(comparison);
    setText(byId("site"), comparison.site);
    document.title = `${comparison.site} · Hitstream`;
    this.standing = new Standing();
    this.tiles = new Tiles(byId("tiles"), (metric) => this.#choose(metric));
    this.tiles.choose(this.#metric);
    this.tiles.compare(comparison);
    this.hours = new Chart(byId("hours"), "area", (metric) => `${metric.charted} per hour`);
    this.minutes = new Chart(byId("minutes"), "bars", (metric) => `${metric.charted} per minute`);
    this.boards = new Boards(api, byId("boards"), byId("boards-period").querySelector(":checked").value, (user) =>
      this.history.open(user),
    );
    this.history = new History(api);
    this.feed = new Feed(byId("feed"), byId("feed-blank"), byId("feed-pause"));
    this.panels = new Panels(api);
    this.asking = new Asking({
      changed: () => Promise.all([this.#charts(), this.boards.refresh()]),
      round: () => Promise.all([this.#compare(), this.#traces()]),
      panels: () => this.panels.refresh(),
    });
    startFunnel(api, () => this.boards.names());
    byId("hours-range").addEventListener("change", (event) => this.#chooseRange(event.target.value));
    byId("boards-period").addEventListener("change", (event) => this.#choosePeriod(event.target.value));
  }

  /** Until `signal` is aborted; resolves with the problem where the key is refused. */
  async run(signal) {
    let refusal = null;
    const stream = new Stream(this.#api, {
      open: () => this.#opened(),
      message: (event, data) => this.#message(event, data),
      left: () => (this.#lostAt ??= Date.now()),
      waiting: () => this.#lost(),
      refused: (problem) => (refusal = problem),
    });
    await stream.run(signal);
    return refusal;
  }

  /** The stream is there, and everything that was missed meanwhile is asked for. */
  #opened() {
    if (this.#lostAt !== null) {
      const gap = `${clock(this.#lostAt)} to ${clock(Date.now())}`;
      this.feed.note(`${gap}: not watching; what came is counted, but not listed`);
    }
    this.#lostAt = null;
    this.asking.everything();
  }

  #lost() {
    this.#lostAt ??= Date.now();
    this.standing.set("broken");
  }

  #message(event, data) {
    if (event === "event") return this.feed.add(data);
    const message = JSON.parse(data);
    if (event === "summary") this.#summary(message);
    else if (event === "unavailable") this.standing.set("stale");
    else if (event === "dropped") this.#dropped(message);
  }

  #dropped({ events, exact }) {
    this.feed.note(`${exact ? count(events) : "Some"} events were passed over here; they are counted`);
  }

  #summary(summary) {
    this.standing.set("live");
    this.standing.asOf(Date.parse(summary.timestamp));
    this.tiles.show(summary);
    const { date, hour, page_views, conversions, errors, sessions, unique_metrics } = summary;
    const counted = JSON.stringify([date, hour, page_views, conversions, errors, sessions, unique_metrics]);
    if (this.#counted !== "" && counted !== this.#counted) this.asking.changed();
    this.#counted = counted;
    this.#visitors = unique_metrics.visitors;
    this.#note(summary.quality);
    this.asking.tick();
  }

  #note({ today, timezone }) {
    const since = `Today since ${clock(Date.parse(today.start))} in ${timezone}, still counting`;
    setText(byId("today-note"), `${since}; changes are against yesterday up to the same time.`);
  }

  async #compare() {
    this.tiles.compare(await this.#api.ask("v1/metrics/comparison"));
  }

  /** The small lines of the tiles: one question for each series that they share. */
  async #traces() {
    const bySeries = Map.groupBy(METRICS, (metric) => metric.series);
    await Promise.all(
      [...bySeries.values()].map(async (metrics) => {
        const { points } = await byHour(this.#api, metrics[0], "day");
        const complete = points.filter((point) => !point.open);
        for (const metric of metrics) this.tiles.trace(metric, complete.map(metric.value));
      }),
    );
  }

  async #charts() {
    const [metric, range] = [this.#metric, this.#range];
    const [hours, minutes] = await Promise.all([byHour(this.#api, metric, range), byMinute(this.#api, metric)]);
    if (metric !== this.#metric || range !== this.#range) return;
    this.hours.show(metric, hours);
    this.minutes.show(metric, minutes);
    const isFresh =
      this.#visitors === 0 && ![...hours.points, ...hours.before].some((point) => point.unique_users !== 0);
    this.hours.cover(isFresh ? (this.fresh ??= firstEvent()) : null);
  }

  async #choose(metric) {
    this.#metric = metric;
    await this.#again(() => this.#charts());
  }

  async #chooseRange(range) {
    this.#range = range;
    await this.#again(() => this.#charts());
  }

  async #choosePeriod(period) {
    this.boards.period = period;
    await this.#again(() => this.boards.refresh());
  }

  async #again(ask) {
    try {
      await ask();
    } catch (error) {
      tolerate(error);
      this.asking.changed(); // so it is tried again
    }
  }
}
