/** Numbers and times as text: in the reader's language, on the site's clock, in the site's currency. */

const LONG = 7; // digits from which on a tile shows millions
const LATE_MS = 12 * 3_600_000; // a time of day means the last one only so long

let formats = made({ timezone: "UTC", currency: "USD" });

/** From now on for this site: `{timezone, currency}`. */
export function formatFor(site) {
  formats = made(site);
}

/** The site's time zone. */
export function zone() {
  return formats.timezone;
}

export const NONE = "–";

export function count(value) {
  return value === null ? NONE : formats.count.format(value);
}

/** In as much room as seven digits take. */
export function brief(value) {
  if (value === null) return NONE;
  return String(Math.abs(Math.trunc(value))).length >= LONG
    ? formats.compact.format(value)
    : formats.count.format(value);
}

/** For a scale: 12, 3.4K, 0.5. */
export function tick(value) {
  return formats.tick.format(value);
}

/** `text` is a decimal as the server writes it, which is formatted digit by digit, whatever its length. */
export function money(text, currency = formats.currency) {
  if (text === null) return NONE;
  return moneyFormat(currency).format(text);
}

/** In as much room as a tile has: without cents from a hundred thousand on, and in millions from ten on. */
export function moneyBrief(text, currency = formats.currency) {
  const size = Math.abs(Number(text));
  const options =
    size >= 1e7 ? { notation: "compact", maximumFractionDigits: 2 } : size >= 1e5 ? { maximumFractionDigits: 0 } : {};
  return moneyFormat(currency, options).format(text);
}

export function percent(rate, digits = 1) {
  if (rate === null) return NONE;
  return (digits === 0 ? formats.percent0 : formats.percent).format(rate);
}

/** A relative change with its sign. */
export function change(rate) {
  return (Math.abs(rate) >= 10 ? formats.change0 : formats.change).format(rate);
}

/** A difference between two rates, in percentage points. */
export function points(difference) {
  return `${formats.points.format(difference * 100)} pt`;
}

export function duration(seconds) {
  if (seconds === null) return NONE;
  if (seconds < 60) return formats.seconds.format(seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds));
  const [large, small, factor] =
    seconds < 3_600 ? ["minutes", "seconds", 60] : seconds < 86_400 ? ["hours", "minutes", 60] : ["days", "hours", 24];
  const unit = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 };
  const total = Math.round(seconds / unit[small]);
  const rest = total % factor;
  const whole = formats[large].format(Math.floor(total / factor));
  return rest ? `${whole} ${formats[small].format(rest)}` : whole;
}

/** Times take epoch milliseconds. */
export function clock(at) {
  return formats.clock.format(at);
}

/** For a line of a list, always as wide: the time to the second, or the day where it is not of late. */
export function moment(at, now = Date.now()) {
  return now - at > LATE_MS ? formats.day.format(at) : formats.moment.format(at);
}

export function clockZone(at) {
  return formats.clockZone.format(at);
}

export function day(at) {
  return formats.day.format(at);
}

export function dayAndClock(at) {
  return formats.dayAndClock.format(at);
}

function moneyFormat(currency, options = {}) {
  return new Intl.NumberFormat(undefined, { style: "currency", currency, currencyDisplay: "narrowSymbol", ...options });
}

function made({ timezone, currency }) {
  const number = (options = {}) => new Intl.NumberFormat(undefined, options);
  const unit = (name) => number({ style: "unit", unit: name, unitDisplay: "narrow" });
  const time = (options) => new Intl.DateTimeFormat(undefined, { timeZone: timezone, ...options });
  const hm = { hour: "2-digit", minute: "2-digit" };
  return {
    timezone,
    currency,
    count: number(),
    compact: number({ notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    tick: number({ notation: "compact", maximumSignificantDigits: 3 }),
    percent: number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    percent0: number({ style: "percent", maximumFractionDigits: 0 }),
    change: number({ style: "percent", signDisplay: "exceptZero", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    change0: number({ style: "percent", signDisplay: "exceptZero", maximumFractionDigits: 0, notation: "compact" }),
    points: number({ signDisplay: "exceptZero", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    seconds: unit("second"),
    minutes: unit("minute"),
    hours: unit("hour"),
    days: unit("day"),
    clock: time(hm),
    moment: time({ ...hm, second: "2-digit", hourCycle: "h23" }),
    clockZone: time({ ...hm, second: "2-digit", timeZoneName: "short" }),
    day: time({ weekday: "short", day: "numeric" }),
    dayAndClock: time({ weekday: "short", day: "numeric", month: "short", ...hm }),
  };
}
