// A program that uses @segment/analytics-node: URL KEY OPTIONS.

import { Analytics } from '@segment/analytics-node'

import { perform, say, values } from './story.mjs'

const [host, writeKey, options] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, flushInterval: 50, ...JSON.parse(options) })
analytics.on('error', (error) => say({ error: String(error.reason?.message ?? error.reason ?? error.code) }))

let pending = []
const send = (type, event) => pending.push(new Promise((done) => analytics[type](event, done)))

await perform({
  call: (type, event) => void send(type, event),
  many: (first, count, size = 0) => {
    for (let number = first; number < first + count; number++) {
      send('track', { userId: 'u', event: 'Counted', properties: { number, padding: 'x'.repeat(size) } })
    }
  },
  values: () => void send('track', { userId: 'u', event: 'Values', properties: values() }),
  flush: async () => {
    await Promise.all(pending)
    pending = []
  },
})
await analytics.closeAndFlush({ timeout: 30_000 }) // by default a little longer than flushInterval
