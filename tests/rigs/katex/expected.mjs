// Writes what KaTeX shows in a browser for each formula of a list: every character with its font, size and position,
// and every line and picture with its edges, in em from the left end of the baseline.
//
//     npm install --prefix DIR && cp expected.mjs DIR && node DIR/expected.mjs formulas.txt > expected.jsonl
//
// Needs Chromium (CHROMIUM, or /usr/bin/chromium).  The test suite needs neither: it reads the result.
import fs from "node:fs";
import path from "node:path";
import {createRequire} from "node:module";
import puppeteer from "puppeteer-core";

const dist = path.dirname(createRequire(import.meta.url).resolve("katex"));
const lines = fs.readFileSync(process.argv[2], "utf8").split("\n").filter(line => line && !line.startsWith("#"));
const pictures = process.argv[3];

const style = fs.readFileSync(path.join(dist, "katex.min.css"), "utf8").replaceAll("url(fonts/", `url(file://${dist}/fonts/`);
const html = `<!doctype html><meta charset="utf-8"><style>${style}
body { margin: 300px; font-size: 100px; width: 6000px; }
.katex { font-size: 100px !important; }
.katex .vertical-separator { min-width: 0 !important; }
.katex-display { margin: 0 !important; }
.katex-display > .katex, .katex-display > .katex > .katex-html { display: inline-block !important; }
</style><div id="place"></div>`;

const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--allow-file-access-from-files", "--disable-gpu"],
    defaultViewport: {width: 1600, height: 900},
});
const page = await browser.newPage();
const file = path.join(path.dirname(process.argv[1]), "page.html");
fs.writeFileSync(file, html);
await page.goto("file://" + path.resolve(file));
await page.addScriptTag({path: path.join(dist, "katex.min.js")});
await page.addScriptTag({path: path.join(dist, "contrib/mhchem.min.js")});
await page.evaluate(async () => {
    await Promise.all([...document.fonts].map(font => font.load()));
});

for (const line of lines) {
    const inline = line.startsWith("inline:");
    const formula = inline ? line.slice(7) : line;
    const found = await page.evaluate((formula, displayMode) => {
        const EM = 100, UNSUPPORTED = "#010203";
        const place = document.getElementById("place");
        let markup;
        try {
            markup = katex.renderToString(formula, {displayMode, output: "html", strict: "ignore", errorColor: UNSUPPORTED});
        } catch (error) {
            return {error: true};
        }
        if (markup.includes(UNSUPPORTED)) {
            return {error: true};
        }
        place.innerHTML = markup;
        const root = place.querySelector(".katex-html");
        const bases = [...root.children].filter(child => /\bbase\b|katex-base/.test(child.className));
        if (!bases.length) {
            return {error: true};
        }
        const strut = bases[0].firstElementChild;
        const below = -parseFloat(strut.style.verticalAlign || "0");
        const originX = Math.min(...bases.map(base => base.getBoundingClientRect().left));
        const originY = strut.getBoundingClientRect().bottom - below * EM;
        const number = value => Math.round(value / EM * 1000) / 1000;
        const x = value => number(value - originX), y = value => number(value - originY);
        const canvas = document.createElement("canvas").getContext("2d");
        const marks = [], boxes = [];
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const node = walker.currentNode, computed = getComputedStyle(node.parentElement);
            if (computed.color === "rgba(0, 0, 0, 0)" || computed.color === "transparent") {
                continue;
            }
            const family = computed.fontFamily.split(",")[0].replace(/"/g, ""), size = parseFloat(computed.fontSize);
            canvas.font = `${computed.fontStyle} ${computed.fontWeight} ${EM}px ${family}`;
            const ascent = canvas.measureText("x").fontBoundingBoxAscent;
            let at = 0;
            for (const char of node.data) {
                const range = document.createRange();
                range.setStart(node, at);
                at += char.length;
                range.setEnd(node, at);
                if (!/[\s\u00a0\u200b]/.test(char)) {
                    const rect = range.getBoundingClientRect();
                    const face = (computed.fontWeight > 400 ? "Bold" : "") + (computed.fontStyle === "italic" ? "Italic" : "");
                    marks.push([char, family.replace("KaTeX_", ""), face || "Regular", number(size), x(rect.left),
                        y(rect.top + ascent * size / EM)]);
                }
            }
        }
        const add = (left, top, right, bottom) => boxes.push([x(left), y(top), x(right), y(bottom)]);
        for (const element of root.querySelectorAll("*")) {
            const computed = getComputedStyle(element), rect = element.getBoundingClientRect();
            if (computed.color === "rgba(0, 0, 0, 0)") {
                continue;
            }
            if (element.tagName === "svg") {
                add(rect.left, rect.top, rect.right, rect.bottom);
                continue;
            }
            const [top, right, bottom, left] = ["Top", "Right", "Bottom", "Left"].map(side =>
                computed[`border${side}Style`] === "none" ? 0 : parseFloat(computed[`border${side}Width`]));
            if (computed.backgroundColor !== "rgba(0, 0, 0, 0)") {
                add(rect.left, rect.top, rect.right, rect.bottom);
            }
            if (/\brule\b|katex-rule/.test(element.className)) {
                add(rect.left, rect.top, rect.right, rect.bottom);
                continue;
            }
            if (top) add(rect.left, rect.top, rect.right, rect.top + top);
            if (right) add(rect.right - right, rect.top, rect.right, rect.bottom);
            if (bottom) add(rect.left, rect.bottom - bottom, rect.right, rect.bottom);
            if (left) add(rect.left, rect.top, rect.left + left, rect.bottom);
        }
        const width = Math.max(...bases.map(base => base.getBoundingClientRect().right));
        return {width: x(width), marks, boxes};
    }, formula, !inline);
    console.log(JSON.stringify({formula, display: !inline, ...found}));
    if (pictures && !found.error) {
        const place = await page.$("#place .katex-html");
        await place.screenshot({path: path.join(pictures, `${lines.indexOf(line)}.png`)});
    }
}
await browser.close();
