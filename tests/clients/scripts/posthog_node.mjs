// A program that uses posthog-node: URL KEY OPTIONS. The way it sends is chosen by POSTHOG_CAPTURE_MODE.

import { PostHog } from 'posthog-node'

import { perform, say, values } from './story.mjs'

const [host, key, options] = process.argv.slice(2)
const client = new PostHog(key, { host, flushInterval: 50, fetchRetryDelay: 500, ...JSON.parse(options) })
client.on('error', (error) => say({ error: `${error.message} ${error.cause ?? ''}`, drops: error.drops?.length ?? 0 }))

const capture = (event, properties, timestamp) =>
  client.capture({
    distinctId: 'u',
    event,
    properties,
    ...(timestamp ? { timestamp: new Date(timestamp) } : {}),
  })

await perform({
  capture: (...args) => void capture(...args),
  people: () => {
    client.identify({ distinctId: 'u', properties: { plan: 'pro' } })
    client.groupIdentify({ groupType: 'company', groupKey: 'c', properties: { size: 3 }, distinctId: 'u' })
    client.alias({ distinctId: 'u', alias: 'anon' })
  },
  fail: () => void client.captureException(new TypeError('no'), 'u'),
  many: (first, count, size = 0) => {
    for (let number = first; number < first + count; number++) {
      capture('Counted', { number, padding: 'x'.repeat(size) })
    }
  },
  values: () => void capture('Values', values()),
  flag: () => client.isFeatureEnabled('beta', 'u'),
  flush: async () => {
    try {
      await client.flush()
    } catch {
      // told to the listener above
    }
  },
})
// Its own timers do not keep a program alive: without something that does, Node ends while it waits to try again.
const alive = setInterval(() => {}, 1000)
await client.shutdown()
clearInterval(alive)
