// A page with plausible-tracker and @plausible-analytics/tracker in it. Both need a document, which jsdom gives them.

import { createRequire } from 'node:module'

import { JSDOM } from 'jsdom'

import { perform, values } from './story.mjs'

const { window } = new JSDOM('<!doctype html><title>Page</title>', {
  url: 'https://shop.example/a',
  referrer: 'https://search.example/',
  pretendToBeVisual: true,
})
window.fetch = fetch
window.ResizeObserver = class {
  observe() {}
}
Object.assign(globalThis, {
  window,
  ResizeObserver: window.ResizeObserver,
  XMLHttpRequest: window.XMLHttpRequest,
  addEventListener: window.addEventListener.bind(window),
})
for (const each of ['document', 'location', 'history', 'localStorage']) globalThis[each] = window[each]

const Plausible = createRequire(import.meta.url)('plausible-tracker').default

/** (name, options) -> what the tracker tells its user. */
async function tracker(name, url, domain) {
  if (name === 'plausible-tracker') {
    const { trackEvent } = Plausible({ domain, apiHost: url })
    return (event, { props }) => new Promise((done) => trackEvent(event, { props, callback: () => done('over') }))
  }
  // It can be set up once, so each site has a copy of its own.
  const { init, track } = await import(`${import.meta.resolve(name)}?${url}/${domain}`)
  init({ domain, endpoint: `${url}/api/event`, autoCapturePageviews: false })
  return (event, options) =>
    new Promise((done) => {
      const callback = ({ status, error }) => done(status === 202 ? 'ok' : `failed: ${status ?? error}`)
      track(event, { ...options, callback })
    })
}

const trackers = new Map()

/** A call with the tracker of the page that it names: NAME URL DOMAIN, and its own arguments. */
function on(call) {
  return async (name, url, domain, ...args) => {
    const key = `${name} ${url} ${domain}`
    if (!trackers.has(key)) trackers.set(key, await tracker(name, url, domain))
    return call(trackers.get(key), ...args)
  }
}

await perform({
  page: on((send, address) => {
    history.pushState({}, '', address)
    return send('pageview', {})
  }),
  track: on((send, event, props) => send(event, { props })),
  sale: on((send, event, amount, currency) => send(event, { props: { sku: 'hat' }, revenue: { amount, currency } })),
  values: on((send) => send('Values', { props: values() })),
  many: on(async (send, first, count) => {
    const outcomes = []
    for (let number = first; number < first + count; number++) {
      outcomes.push(await send('Counted', { props: { number } }))
    }
    return outcomes
  }),
})
process.exit(0) // a document's timers would keep it
