// The real server, started, stopped and fed the way a hospital would.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { Publisher } from "./mqtt.mjs";

/** A first start may assemble a database. */
const READY_MS = 120_000;
/** The roster is read anew each second. */
const ENROLLED_MS = 20_000;

/** One with somebody, one with nobody, and one whose record is restricted: as `vigil demo seed` lays them. */
const BEDS = ["bed-01", "bed-04", "bed-05"];

export const CALM = { hr: 72, spo2: 97, rr: 15, nibp_sys: 121, nibp_dia: 78, nibp_map: 92, temp: 36.8 };

export async function startVigil(binary) {
  const state = await mkdtemp(join(tmpdir(), "vigil-e2e-"));
  const keys = await mkdtemp(join(tmpdir(), "vigil-e2e-keys-"));
  const env = {
    ...process.env,
    VIGIL_STATE_DIR: state,
    VIGIL_KEYS_FILE: join(keys, "root.key"),
    VIGIL_MQTT_LISTEN: "127.0.0.1:0",
    VIGIL_MQTTS_LISTEN: "127.0.0.1:0",
    VIGIL_HTTP_LISTEN: "127.0.0.1:0",
    VIGIL_METRICS_LISTEN: "127.0.0.1:0",
  };
  /** A command on the host; what it printed. */
  const run = async (...words) => (await promisify(execFile)(binary, words, { env })).stdout;
  await run("keys", "init", env.VIGIL_KEYS_FILE);
  let server = await launch(binary, env);
  env.VIGIL_HTTP_LISTEN = new URL(server.portal).host;
  const secrets = new Map();
  for (const bed of BEDS) {
    const secret = /^secret (\S+)$/m.exec(await run("device", "enrol", bed, "--realm", "demo"))?.[1];
    if (!secret) throw new Error("device enrol printed no secret");
    secrets.set(bed, secret);
  }
  const devices = new Map();
  const measured = new Map(BEDS.map((bed) => [bed, CALM]));
  const send = (bed) =>
    devices
      .get(bed)
      .publish(`vigil/v1/${bed}/vitals`, JSON.stringify({ t: new Date().toISOString(), ...measured.get(bed) }));
  const connect = async () => {
    for (const [bed, secret] of secrets) devices.set(bed, await connectDevice(server, bed, secret));
  };
  await connect();
  // What is lost with a dying server is not what this is about.
  const beat = setInterval(() => BEDS.forEach((bed) => void send(bed).catch(() => undefined)), 1_000);
  return {
    bed: BEDS[0],
    /** A bed that nobody lies in. */
    empty: BEDS[1],
    /** Of somebody whose record is restricted. */
    restricted: BEDS[2],
    url: server.portal,
    run,
    /** Makes the browser a station of the seeded ward; one of a name is one screen. */
    async enter(context, station = "central") {
      const code = /^station \S+ code (\S+)/m.exec(await run("demo", "station-code", station))?.[1];
      const answer = await context.request.post(`${server.portal}api/station`, { data: { code } });
      if (!answer.ok()) throw new Error(`no station: ${answer.status()} ${await answer.text()}`);
    },
    /**
     * Nobody has touched this one's screens for so long, as far as the server knows: the owner of the database says so, since
     * the server's clock is set by nobody here.
     */
    async untouched(login, minutes) {
      const back = `UPDATE sessions SET last_input_at = last_input_at - interval '${minutes} min'
        WHERE user_id = (SELECT id FROM users WHERE login = '${login}')`;
      const words = [
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        env.VIGIL_DATABASE_OWNER_URL,
        "--command",
        back,
      ];
      await promisify(execFile)("psql", words);
    },
    /** What it measures from now on, each second. */
    measure: (values, bed = BEDS[0]) => void measured.set(bed, values),
    async kill() {
      for (const device of devices.values()) device.close();
      await server.end("SIGKILL");
    },
    async restart() {
      server = await launch(binary, env);
      await connect();
    },
    async close() {
      clearInterval(beat);
      for (const device of devices.values()) device.close();
      await server.end("SIGTERM");
      for (const folder of [state, keys]) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(binary, env) {
  const child = spawn(binary, ["all"], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const said = {};
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [word, rest] = line.split(" ");
      if (word === "ready") resolve();
      else said[word] = rest;
    });
    child.once("exit", (code) => reject(new Error(`vigil ended with ${code} before it was ready\n${log.join("\n")}`)));
    setTimeout(() => reject(new Error(`vigil was not ready in time\n${log.join("\n")}`)), READY_MS).unref();
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const end = (signal) => {
    child.kill(signal);
    return ended;
  };
  try {
    await ready;
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
  return { portal: said.portal, mqtt: said.mqtt, end };
}

async function connectDevice(server, bed, secret) {
  const { hostname, port } = new URL(`tcp://${server.mqtt}`);
  const deadline = Date.now() + ENROLLED_MS;
  for (;;) {
    try {
      return await Publisher.open(hostname, Number(port), bed, secret);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(250);
    }
  }
}
