// A program that uses @sentry/node: URL KEY OPTIONS.

import * as Sentry from '@sentry/node'

import { perform, say, values } from './story.mjs'

const [url, key, options] = process.argv.slice(2)
Sentry.init({
  dsn: `http://${key}@${new URL(url).host}/1`,
  release: 'shop@1.2',
  environment: 'test',
  ...JSON.parse(options),
})
Sentry.getClient().on('afterSendEvent', (_event, response) => {
  if (response?.statusCode !== 200) say({ dropped: `status_${response?.statusCode}` })
})

await perform({
  fail: (says) => void Sentry.captureException(new TypeError(says, { cause: new Error('deeper') })),
  many: (first, count, size = 0) => {
    for (let number = first; number < first + count; number++) {
      Sentry.captureMessage(`number ${number}`, { level: 'error', extra: { padding: 'x'.repeat(size) } })
    }
  },
  values: () =>
    Sentry.withScope((scope) => {
      scope.setUser({ id: 'u', email: 'a@b.example', ip_address: '203.0.113.9' })
      scope.setTag('plan', 'pro')
      scope.setExtras(values())
      Sentry.captureException(new TypeError('no'))
    }),
  flush: () => Sentry.flush(20_000),
})
await Sentry.close(20_000)
