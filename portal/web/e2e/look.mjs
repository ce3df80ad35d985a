// What a person would see: pixels, and what axe-core objects to.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Throws with every violation of the page as it stands. */
export async function accessible(page, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  if (violations.length === 0) return;
  const said = violations.map(
    (v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => n.target.join(" ")).join("\n    ")}`,
  );
  throw new Error(`axe-core on ${name}:\n  ${said.join("\n  ")}`);
}

/** A picture as the dots of it. */
export async function raster(browser, picture) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const { width, height, data } = await page.evaluate(async (encoded) => {
      const image = new Image();
      image.src = `data:image/png;base64,${encoded}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const paint = canvas.getContext("2d");
      paint.drawImage(image, 0, 0);
      const dots = paint.getImageData(0, 0, image.width, image.height);
      return { width: dots.width, height: dots.height, data: Array.from(dots.data) };
    }, picture.toString("base64"));
    return { width, height, data: Uint8ClampedArray.from(data) };
  } finally {
    await context.close();
  }
}

/** Parts of a picture: pixels unlike the upper left one, and pixels of the dead-man's magenta. */
export async function pixels(browser, picture) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    return await page.evaluate(async (data) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const paint = canvas.getContext("2d");
      paint.drawImage(image, 0, 0);
      const { data: rgba } = paint.getImageData(0, 0, image.width, image.height);
      const near = (i, r, g, b) => Math.abs(rgba[i] - r) + Math.abs(rgba[i + 1] - g) + Math.abs(rgba[i + 2] - b) < 12;
      let inked = 0;
      let magenta = 0;
      for (let i = 0; i < rgba.length; i += 4) {
        if (!near(i, rgba[0], rgba[1], rgba[2])) inked += 1;
        if (near(i, 0x8e, 0x00, 0x92)) magenta += 1;
      }
      return { inked: (inked * 4) / rgba.length, magenta: (magenta * 4) / rgba.length };
    }, picture.toString("base64"));
  } finally {
    await context.close();
  }
}

/** The last frame that reached the screen while scripts hung for `ms`: the compositor alone drew it. */
export async function whileHung(page, ms) {
  const cdp = await page.context().newCDPSession(page);
  let last = null;
  cdp.on("Page.screencastFrame", ({ data, sessionId }) => {
    last = Buffer.from(data, "base64");
    cdp.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  await cdp.send("Page.startScreencast", { format: "png", maxWidth: 640, maxHeight: 400 });
  const hung = page.evaluate((span) => {
    const end = performance.now() + span;
    while (performance.now() < end);
  }, ms);
  const before = await new Promise((resolve) => setTimeout(() => resolve(last), ms - 500));
  await hung;
  await cdp.send("Page.stopScreencast");
  await cdp.detach();
  return before;
}
