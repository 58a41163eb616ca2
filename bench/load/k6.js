// An open loop for k6: page views at RATE a second, whatever becomes of them, and the server's own words on refusals.
//
//   KEY=hw_... RATE=2000 k6 run bench/load/k6.js
//
// TARGET is http://127.0.0.1:8080 unless set. `dropped_iterations` are requests for which no visitor was free.

import http from "k6/http";
import { check } from "k6";
import { Counter } from "k6/metrics";

const target = __ENV.TARGET || "http://127.0.0.1:8080";
const refused = new Counter("refused");

export const options = {
  scenarios: {
    visitors: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE || 1000),
      timeUnit: "1s",
      duration: __ENV.DURATION || "30s",
      preAllocatedVUs: 200,
      maxVUs: 2000,
    },
  },
  thresholds: { checks: ["rate==1"] },
};

export default function () {
  const event = {
    event_id: `k6-${Date.now()}-${__VU}-${__ITER}`,
    user_id: `visitor-${Math.floor(Math.random() * 20000)}`,
    page_url: `https://shop.example/products/${Math.floor(Math.random() * 1000)}`,
  };
  const reply = http.post(`${target}/v1/page_view`, JSON.stringify(event), {
    headers: { "Content-Type": "application/json", "X-Write-Key": __ENV.KEY },
  });
  if (reply.status === 429 || reply.status === 503) {
    refused.add(1, { code: reply.json("code") });
  }
  check(reply, {
    "taken, or told when to come back": (r) => r.status === 202 || Number(r.headers["Retry-After"]) > 0,
  });
}
