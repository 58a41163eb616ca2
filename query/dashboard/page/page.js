/** The page at work: what the stream brings is shown at once, and what it only hints at is asked for. */

import { Boards } from "./boards.js";
import { Chart } from "./chart.js";
import { byId, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { clock, count, formatFor } from "./format.js";
import { firstEvent } from "./fresh.js";
import { startFunnel } from "./funnel.js";
import { METRICS } from "./metrics.js";
import { Panels } from "./panels.js";
import { byHour, byMinute } from "./series.js";
import { Standing } from "./standing.js";
import { Stream } from "./stream.js";
import { Tiles } from "./tiles.js";

const CHANGED_MS = 2_000; // after which changed numbers are asked for again, at the earliest
const ROUND_MS = 60_000; // after which everything is: a minute has passed, and yesterday's too
const PANELS_MS = 300_000; // their snapshots are rebuilt so often
const PANELS_AGAIN_MS = 15_000; // a database that starts takes some seconds

export class Page {
  #api;
  #metric = METRICS[1];
  #range = "day";
  #counted = ""; // what the last summary had counted
  #visitors = 0; // of today
  #changed = false; // since the charts and lists were asked for
  #due = { changed: 0, round: 0, panels: 0 }; // when each may be asked for next, by performance.now()
  #asking = false;
  #lostAt = null;

  constructor(api, comparison) {
    this.#api = api;
    formatFor(comparison);
    setText(byId("site"), comparison.site);
    document.title = `${comparison.site} · Hitstream`;
    this.standing = new Standing();
    this.tiles = new Tiles(byId("tiles"), (metric) => this.#choose(metric));
    this.tiles.choose(this.#metric);
    this.tiles.compare(comparison);
    this.hours = new Chart(byId("hours"), "area", (metric) => `${metric.charted} per hour`);
    this.minutes = new Chart(byId("minutes"), "bars", (metric) => `${metric.charted} per minute`);
    this.boards = new Boards(api, byId("boards"));
    this.feed = new Feed(byId("feed"), byId("feed-blank"), byId("feed-pause"));
    this.panels = new Panels(api);
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
    if (this.#lostAt !== null) this.feed.note(`${clock(this.#lostAt)} to ${clock(Date.now())}: not watching; what came is counted, but not listed`);
    this.#lostAt = null;
    this.#due = { changed: 0, round: 0, panels: 0 };
    this.#refresh();
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
    else if (event === "dropped") this.feed.note(`${message.exact ? count(message.events) : "Some"} events were passed over here; they are counted`);
  }

  #summary(summary) {
    this.standing.set("live");
    this.standing.asOf(Date.parse(summary.timestamp));
    this.tiles.show(summary);
    const counted = JSON.stringify([summary.date, summary.hour, summary.page_views, summary.conversions, summary.errors, summary.sessions, summary.unique_metrics]);
    const changed = this.#counted !== "" && counted !== this.#counted;
    this.#counted = counted;
    this.#visitors = summary.unique_metrics.visitors;
    this.#changed ||= changed;
    this.#note(summary);
    this.#refresh();
  }

  #note(summary) {
    setText(byId("today-note"), `Today since ${clock(Date.parse(summary.quality.today.start))} in ${summary.quality.timezone}, still counting; changes are against yesterday up to the same time.`);
  }

  /** Asks for what is due; once at a time, so a slow server is not asked faster than it answers. */
  async #refresh() {
    const now = performance.now();
    if (this.#asking) return;
    this.#asking = true;
    try {
      const round = now >= this.#due.round;
      if (round || (this.#changed && now >= this.#due.changed)) {
        this.#changed = false;
        this.#due.changed = now + CHANGED_MS;
        await Promise.all([this.#charts(), this.boards.refresh()]);
      }
      if (round) {
        this.#due.round = now + ROUND_MS;
        await Promise.all([this.#compare(), this.#traces()]);
      }
      if (now >= this.#due.panels) {
        this.#due.panels = now + PANELS_MS;
        if (!(await this.panels.refresh())) this.#due.panels = now + PANELS_AGAIN_MS;
      }
    } catch {
      this.#due.round = performance.now() + CHANGED_MS; // tried again; how things stand, the stream tells
    } finally {
      this.#asking = false;
    }
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
    const isFresh = this.#visitors === 0 && ![...hours.points, ...hours.before].some((point) => point.unique_users !== 0);
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
    } catch {
      this.#changed = true; // so it is tried again
    }
  }
}
