// A program that uses @umami/node: URL WEBSITE. The client gives its user the response as it came.

import { Umami } from '@umami/node'

import { perform, values } from './story.mjs'

const [hostUrl, websiteId] = process.argv.slice(2)
const umami = new Umami({ hostUrl, websiteId })

const told = async (sending) => {
  const response = await sending
  return response.ok ? 'ok' : `${response.status} ${await response.text()}`
}

const track = (name, data) => told(umami.track(name, data))

await perform({
  page: (url, referrer) => told(umami.track({ url: new URL(url).pathname, hostname: new URL(url).hostname, referrer })),
  track,
  sale: (name, revenue, currency) => track(name, { revenue, currency }),
  identify: (traits) => told(umami.identify(traits)),
  values: () => track('Values', values()),
  many: async (first, count) => {
    const outcomes = []
    for (let number = first; number < first + count; number++) {
      outcomes.push(await track('Counted', { number }).catch((error) => `failed: ${error.cause?.code}`))
    }
    return outcomes
  },
})
