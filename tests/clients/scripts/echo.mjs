// A program without a client, for testing the rig.

import { readFileSync } from 'node:fs'

import { perform, say } from './story.mjs'

await perform({
  echo: (...args) => args,
  fail: () => {
    throw new Error('no')
  },
  versions: (names) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version,
      ])
    ),
})
say('goodbye')
