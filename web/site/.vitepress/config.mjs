// The generator's settings. Nothing of the site comes from another host: it uses the fonts of the
// system, and the search reads an index that the build makes.

import { defineConfig } from "vitepress";
import { address, base } from "../address.mjs";
import { topics } from "../pages.mjs";
import { slugify } from "../slug.mjs";
import { labelCells } from "./tables.mjs";

const link = (page) => `/${page.replace(/(index)?\.md$/, "")}`;
const readme = topics[0].pages[0].text.match(/^# .+\n\n([\s\S]+?)\n\n/)[1];

export default defineConfig({
  title: "Roomcast",
  description: readme.replaceAll("\n", " "),
  lang: "en",
  base,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}icon.svg` }]],
  srcDir: "pages",
  outDir: "dist",
  cleanUrls: true,
  ...(address === base ? {} : { sitemap: { hostname: address } }),
  markdown: {
    html: false, // the pages are Markdown only, and <name> in them is text
    linkify: false, // socket.io is a name
    anchor: { slugify },
    config: (md) => md.use(labelCells),
    languageAlias: { caddyfile: "nginx", haproxy: "ini" }, // the nearest that the generator knows
  },
  transformHead: ({ page }) =>
    page === "404.md"
      ? []
      : [["link", { rel: "alternate", type: "text/markdown", href: base + page }]],
  themeConfig: {
    nav: [
      { text: "Start", link: "/#start" },
      { text: "HTTP API", link: "/http-api" },
      { text: "Settings", link: "/#settings" },
      { text: "Changelog", link: "/changelog" },
    ],
    sidebar: topics.map(({ topic, pages, optional }) => ({
      text: topic,
      collapsed: Boolean(optional),
      items: pages.map(({ page, title }) => ({ text: title, link: link(page) })),
    })),
    outline: { level: [2, 3] },
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: "https://github.com/roomcast/roomcast" }],
  },
});
