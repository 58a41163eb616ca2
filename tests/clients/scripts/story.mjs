// How a test tells a Node client's program what to do (tests/clients/program.py).

import { createInterface } from 'node:readline'

/** Does what the input says, line by line, until it ends. A call that throws is answered with what it threw. */
export async function perform(calls) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...args] = JSON.parse(line)
    let answer
    try {
      answer = await calls[name](...args)
    } catch (error) {
      answer = { raised: `${error?.name}: ${error?.message}` }
    }
    print('done', answer)
  }
}

/** Tells the test something unasked, such as what a callback was given. */
export function say(value) {
  print('said', value)
}

/** Every type of value that somebody puts into a property. */
export function values() {
  return {
    text: 'grün 日本語 🦆',
    control: 'a\tb\nc\u0000d\u007f',
    half: 'half \ud83e of a pair',
    empty: '',
    none: null,
    missing: undefined,
    yes: true,
    whole: 42,
    big: 2 ** 63,
    bigger: 2 ** 80,
    fraction: 0.1,
    nan: NaN,
    inf: Infinity,
    moment: new Date('2026-01-31T12:30:00Z'),
    list: [1, 'two', null, [3.5]],
    nested: { a: { b: { c: [{ d: 1 }] } } },
    'name with spaces': 'x',
    $dollar: 1,
  }
}

function print(kind, value) {
  process.stdout.write(JSON.stringify([kind, value ?? null]) + '\n')
}
