// Writes the heading of its column on each cell of a table, for the style of narrow screens.

/** A plugin of markdown-it. */
export function labelCells(md) {
  md.core.ruler.push("label-cells", ({ tokens }) => {
    let headings = [], column = 0;
    for (const [n, token] of tokens.entries())
      if (token.type === "thead_open") headings = [];
      else if (token.type === "tr_open") column = 0;
      else if (token.type === "th_open") headings.push(plain(tokens[n + 1]));
      else if (token.type === "td_open") {
        const heading = headings[column++];
        if (heading) token.attrSet("data-label", heading);
      }
  });
}

const plain = ({ children }) => children.map(({ content }) => content).join("");
