// The paced job for k6: one user for each connection, a message at each interval.
import ws from "k6/ws";
import { sleep } from "k6";
import { Trend } from "k6/metrics";

const connections = Number(__ENV.CONNECTIONS);
const latency = new Trend("echo_ms");

export const options = {
  scenarios: {
    echo: {
      executor: "per-vu-iterations",
      vus: connections,
      iterations: 1,
      maxDuration: `${Math.ceil(Number(__ENV.SESSION_S)) + 120}s`,
    },
  },
  summaryTrendStats: ["med", "p(99)"],
};

export default function () {
  const opens_s = (__VU - 1) / Number(__ENV.CONNECT_RATE);
  sleep(opens_s);
  ws.connect(__ENV.URL, {}, (socket) => {
    let sequence = 0;
    socket.on("open", () => {
      socket.setInterval(() => {
        sequence += 1;
        const text = `LIMIT${String(sequence).padStart(16, "0")}${String(Date.now()).padStart(16, "0")}`;
        socket.send(text.padEnd(Number(__ENV.SIZE), "."));
      }, 1000 / Number(__ENV.RATE));
      socket.setTimeout(() => socket.close(), (Number(__ENV.SESSION_S) - opens_s) * 1000);
    });
    socket.on("message", (text) => {
      latency.add(Date.now() - Number(text.slice(21, 37)));
    });
  });
}

export function handleSummary(data) {
  return { [__ENV.REPORT]: JSON.stringify(data) };
}
