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
  };
  await promisify(execFile)(binary, ["keys", "init", env.VIGIL_KEYS_FILE], { env });
  const bed = `e2e-${Date.now().toString(36)}`;
  let server = await launch(binary, env);
  env.VIGIL_HTTP_LISTEN = new URL(server.portal).host;
  const enrolled = await promisify(execFile)(binary, ["device", "enrol", bed], { env });
  const secret = /^secret (\S+)$/m.exec(enrolled.stdout)?.[1];
  if (!secret) throw new Error(`device enrol printed no secret: ${enrolled.stdout}`);
  let device = await connectDevice(server, bed, secret);
  return {
    bed,
    url: server.portal,
    /** Until the server has a sign-in, whoever reaches it watches. */
    enter: async () => undefined,
    publish: (values) =>
      device.publish(`vigil/v1/${bed}/vitals`, JSON.stringify({ t: new Date().toISOString(), ...values })),
    async kill() {
      device.close();
      await server.end("SIGKILL");
    },
    async restart() {
      server = await launch(binary, env);
      device = await connectDevice(server, bed, secret);
    },
    async close() {
      device.close();
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
