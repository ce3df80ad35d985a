// A ward without a server, for work on the screens: serves dist/ and speaks /live with made-up beds.
// `npm run dev` starts it on 127.0.0.1:8090; nothing of it is in the product.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { WebSocketServer } from "ws";
import { CODE, Identity, PASSWORD, PLACE } from "./identity.mjs";
import { serveIdentity, visitOf } from "./serve.mjs";
import { CALM } from "./vigil.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const UNITS = {
  hr: "/min",
  spo2: "%",
  rr: "/min",
  nibp_sys: "mm[Hg]",
  nibp_dia: "mm[Hg]",
  nibp_map: "mm[Hg]",
  temp: "Cel",
};
const BASE = { hr: 76, spo2: 97, rr: 15, nibp_sys: 121, nibp_dia: 78, nibp_map: 92, temp: 36.8 };

const iso = (ms) => new Date(ms).toISOString();

export function ward(beds) {
  return Array.from({ length: beds }, (_, i) => ({
    id: `bed-${String(i + 1).padStart(2, "0")}`,
    kind: "device",
    profile: "bedside",
    age_class: "adult",
    realm: i % 6 === 5 ? "demo" : "live",
    connected: i !== 7,
    last_received_at: iso(Date.now()),
    enrolled_at: iso(Date.now() - 86_400_000),
    patient:
      i % 4 === 3
        ? null
        : { id: `0190f000-0000-7000-8000-${String(i).padStart(12, "0")}`, label: `A.${"BCDEFGH"[i % 7]}.` },
  }));
}

export function alarm(device, over = {}) {
  const onset = Date.now() - 37_000;
  return {
    id: `${device}-${over.code ?? "hr_high"}`,
    device,
    code: "hr_high",
    kind: "physiological",
    priority: "high",
    parameter: "hr",
    bound: "upper",
    limit: 120,
    value: 134,
    unit: "/min",
    text: "HR 134 > 120",
    simulated: false,
    onset_at: iso(onset),
    raised_at: iso(onset + 5_000),
    ended_at: null,
    ...over,
  };
}

function number(value, now, age, mark = null) {
  return { value, mark, at_ms: now - age, received_at_ms: now - age, age_ms: age };
}

function latest(device, i, now, beat) {
  const values = {};
  const sway = Math.sin(beat / 7 + i);
  values.hr = number(Math.round(BASE.hr + 9 * sway + i), now, i === 7 ? 60_000 : i === 8 ? 6_000 : 300);
  values.spo2 = i === 9 ? number(null, now, 300, "lead_off") : number(Math.round(BASE.spo2 + sway), now, 300);
  values.rr = number(Math.round(BASE.rr + 2 * sway), now, 300, i === 10 ? "questionable" : null);
  const cuff = i === 7 ? 25 * 60_000 : 4 * 60_000;
  for (const key of ["nibp_sys", "nibp_dia", "nibp_map"]) values[key] = number(BASE[key] + i, now, cuff);
  values.temp = number(BASE.temp + i / 10, now, 90_000);
  if (i % 4 === 1) {
    values.etco2 = number(36, now, 300);
    values.pi = number(2.4, now, 300);
  }
  return { device: device.id, received_at_ms: now, offset_ms: i === 4 ? -5_000 : 12, values };
}

function vitals(query) {
  const [from, to] = [Date.parse(query.get("from")), Date.parse(query.get("to"))];
  const step_ms = Number(query.get("step")) * 1000;
  const times_ms = [];
  for (let t = Math.ceil(from / step_ms) * step_ms; t < to; t += step_ms) {
    if (Math.abs(t - (to - 1_500_000)) > 240_000) times_ms.push(t);
  }
  const series = Object.entries(BASE).map(([parameter, base]) => {
    const rare = parameter.startsWith("nibp");
    const mean = times_ms.map((t) =>
      rare && t % 600_000 >= step_ms
        ? null
        : base + (base / 14) * Math.sin(t / 300_000) + (base / 40) * Math.sin(t / 9_000),
    );
    const off = (by) => mean.map((v) => (v === null ? null : v + by * (rare ? 0 : base / 25)));
    return { parameter, unit: UNITS[parameter], mean, min: off(-1), max: off(1), count: mean.map(() => 5) };
  });
  return { device: query.get("device"), from: iso(from), to: iso(to), step_ms, times_ms, series };
}

export function startMock({ port = 0, beds = 12, dist = new URL("../dist/", import.meta.url) } = {}) {
  const devices = ward(beds);
  const alarms = new Map();
  let seq = 1;
  let beat = 0;
  const identity = new Identity();
  /** Answers of the API that are held back or fail, by the beginning of "METHOD path". */
  const troubles = new Map();
  const http = createServer(async (request, response) => {
    const url = new URL(request.url, "http://mock");
    const asked = `${request.method} ${url.pathname}`;
    const trouble = [...troubles].find(([beginning]) => asked.startsWith(beginning))?.[1];
    if (trouble) return trouble(response);
    if (url.pathname === "/api/vitals") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(vitals(url.searchParams)));
      return;
    }
    if (url.pathname === "/api/transport") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ transport: "plain" }));
      return;
    }
    if (url.pathname.startsWith("/api/")) return serveIdentity(identity, request, url, response);
    const name = extname(url.pathname) ? url.pathname : "/index.html";
    try {
      const body = await readFile(new URL(`.${name}`, dist));
      response.setHeader("content-type", TYPES[extname(name)] ?? "application/octet-stream");
      response.setHeader(
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'",
      );
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  const sockets = new WebSocketServer({
    server: http,
    path: "/live",
    verifyClient: ({ req }) => identity.watches(visitOf(identity, req)) !== null,
  });
  const send = (socket, message) => socket.send(JSON.stringify(message));
  const all = (message) => {
    for (const socket of sockets.clients) send(socket, message);
  };
  const told = new Map();
  const numbers = () =>
    devices.map((d, i) => {
      const made = latest(d, i, Date.now(), beat);
      for (const [key, value] of Object.entries(told.get(d.id) ?? {})) made.values[key] = number(value, Date.now(), 10);
      return made;
    });
  identity.onEnded = (holder, code) => {
    for (const socket of sockets.clients) if (socket.holder === holder) socket.close(code);
  };
  sockets.on("connection", (socket, request) => {
    const visit = visitOf(identity, request);
    const holder = identity.watches(visit);
    // A station has one socket; the newest holds.
    if (visit.station) identity.onEnded(holder, 4001);
    socket.holder = holder;
    send(socket, { type: "hello", server_time_ms: Date.now(), epoch: 1, seq, heartbeat_ms: 1000 });
    socket.on("message", (text) => {
      const { resume } = JSON.parse(text);
      send(socket, { type: "roster", devices });
      if (resume) send(socket, { type: "missed", alarms: [] });
      send(socket, {
        type: "snapshot",
        numbers: numbers(),
        alarms: [...alarms.values()],
        epoch: 1,
        seq,
        resync: false,
      });
    });
  });
  const timer = setInterval(() => {
    beat += 1;
    all({ type: "numbers", numbers: numbers().filter((_, i) => i !== 7 && i !== 8) });
    all({ type: "heartbeat", server_time_ms: Date.now(), epoch: 1, seq });
  }, 1000);
  const step = (what, which) => {
    if (what === "cleared") alarms.delete(which.id);
    else alarms.set(which.id, which);
    seq += 1;
    all({ type: "alarm", epoch: 1, seq, what, alarm: which });
  };
  const stop = () => {
    clearInterval(timer);
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    return new Promise((done) => http.close(done));
  };
  const tell = (bed, values) => told.set(bed, values);
  const trouble = {
    /** Answers no request that begins so, until `over`. */
    hold: (beginning) => troubles.set(beginning, () => undefined),
    fail(beginning, status, code) {
      troubles.set(beginning, (response) => {
        response.writeHead(status, { "content-type": "application/problem+json" });
        response.end(JSON.stringify({ type: "about:blank", title: code, status, code, detail: code }));
      });
    },
    over: () => troubles.clear(),
  };
  return new Promise((done) =>
    http.listen(port, "127.0.0.1", () => {
      const { port: taken } = http.address();
      done({ url: `http://127.0.0.1:${taken}/`, port: taken, step, tell, stop, identity, trouble });
    }),
  );
}

const STATION = {
  id: "station-1",
  name: "ICU desk",
  mode: "wall",
  location_id: PLACE,
  privacy: "initials",
  token: "a-station",
  revoked: false,
};

/** The made-up ward with the handles that the browser test expects of the real server. */
export async function startMockBackend() {
  const bed = "bed-01";
  let mock = await startMock();
  let racing = false;
  mock.tell(bed, CALM);
  return {
    bed,
    url: mock.url,
    /** Makes the browser a station of the ward. */
    async enter(context) {
      mock.identity.stations.push(STATION);
      await context.addCookies([{ name: "vigil-station", value: STATION.token, url: mock.url }]);
    },
    measure(values) {
      mock.tell(bed, values);
      if (values.hr > 120 !== racing)
        mock.step(racing ? "cleared" : "raised", alarm(bed, { text: `HR ${values.hr} > 120` }));
      racing = values.hr > 120;
    },
    kill: () => mock.stop(),
    async restart() {
      mock = await startMock({ port: mock.port });
      mock.identity.stations.push(STATION);
      mock.tell(bed, CALM);
      racing = false;
    },
    close: () => mock.stop(),
  };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const mock = await startMock({ port: 8090, beds: Number(process.argv[2] ?? 12) });
  mock.step("raised", alarm("bed-03"));
  mock.step(
    "raised",
    alarm("bed-06", { code: "spo2_low", priority: "medium", parameter: "spo2", text: "SpO2 88 < 90", simulated: true }),
  );
  mock.step(
    "raised",
    alarm("bed-08", { code: "no_data", priority: "low", kind: "technical", parameter: null, text: "NO DATA" }),
  );
  console.log(`${mock.url}  lee, admin, other, privacy or audit; ${PASSWORD}; ${CODE}`);
}
