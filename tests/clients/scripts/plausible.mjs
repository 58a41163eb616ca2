// A page with plausible-tracker or @plausible-analytics/tracker in it: URL DOMAIN PACKAGE. Both need a document, which
// jsdom gives them; its requests keep to the rules of another origin, as a browser's do.

import { createRequire } from 'node:module'

import { JSDOM } from 'jsdom'

import { perform, values } from './story.mjs'

const [url, domain, name] = process.argv.slice(2)
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

let send // (name, options) -> what the client tells its user
if (name === 'plausible-tracker') {
  const Plausible = createRequire(import.meta.url)('plausible-tracker').default
  const { trackEvent } = Plausible({ domain, apiHost: url })
  send = (event, { props }) =>
    new Promise((done) => trackEvent(event, { props, callback: () => done('over') }, { url: location.href }))
} else {
  const { init, track } = await import('@plausible-analytics/tracker')
  init({ domain, endpoint: `${url}/api/event`, autoCapturePageviews: false })
  send = (event, options) =>
    new Promise((done) => {
      const callback = ({ status, error }) => done(status === 202 ? 'ok' : `failed: ${status ?? error}`)
      track(event, { ...options, callback })
    })
}

await perform({
  page: (address) => {
    history.pushState({}, '', address)
    return send('pageview', {})
  },
  track: (event, props) => send(event, { props }),
  sale: (event, amount, currency) => send(event, { props: { sku: 'hat' }, revenue: { amount, currency } }),
  values: () => send('Values', { props: values() }),
  many: async (first, count) => {
    const outcomes = []
    for (let number = first; number < first + count; number++) {
      outcomes.push(await send('Counted', { props: { number } }))
    }
    return outcomes
  },
})
process.exit(0) // a document's timers would keep it
