// A program that uses matomo-tracker: URL SITE. The client tells its user of errors alone, so that a request is over is
// heard from Node itself.

import { subscribe } from 'node:diagnostics_channel'

import MatomoTracker from 'matomo-tracker'

import { perform } from './story.mjs'

const [url, site] = process.argv.slice(2)
const matomo = new MatomoTracker(site, `${url}/matomo.php`)
let settled = () => {}
matomo.on('error', (error) => settled(`failed: ${error}`))
subscribe('http.client.response.finish', () => {
  const done = settled
  setImmediate(() => done('ok')) // an error of the response's status comes first
})

const over = (send) =>
  new Promise((done) => {
    settled = done
    send()
  })

const track = (options) => over(() => matomo.track({ url: 'https://shop.example/', ...options }))
const counted = (number) => ({ e_c: 'test', e_a: 'Counted', number })

await perform({
  page: (address, urlref) => track({ url: address, urlref, action_name: 'Page', dimension1: 'grün 🦆' }),
  track: (name, data) => track({ e_c: 'test', e_a: name, ...data }),
  sale: (order, revenue) =>
    track({ idgoal: 0, ec_id: order, revenue, ec_items: JSON.stringify([['hat', 'Hat', '', revenue, 1]]) }),
  call: track,
  bulk: (...requests) => new Promise((done) => matomo.trackBulk(requests, (said) => done(JSON.parse(said)))),
  bulkOf: (first, count) =>
    new Promise((done) => {
      const requests = Array.from({ length: count }, (_, index) => counted(first + index))
      matomo.trackBulk(requests, (said) => done(JSON.parse(said)))
    }),
  many: async (first, count) => {
    const outcomes = []
    for (let number = first; number < first + count; number++) outcomes.push(await track(counted(number)))
    return outcomes
  },
})
