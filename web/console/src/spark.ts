// A small curve without axes.

const NS = "http://www.w3.org/2000/svg";

/** The width of a new curve, in values. */
const FEW = 12;

/** Returns a curve of the last `length` values, scaled from zero to their maximum. */
export function spark(
  length: number,
): { root: SVGSVGElement; push(value: number): void; most(): number } {
  const root = document.createElementNS(NS, "svg") as SVGSVGElement;
  const area = document.createElementNS(NS, "polygon"),
    line = document.createElementNS(NS, "polyline");
  const values: number[] = [];
  root.setAttribute("preserveAspectRatio", "none");
  root.setAttribute("role", "img");
  root.append(area, line);
  const most = () => Math.max(0, ...values);
  return {
    root,
    most,
    push(value) {
      values.push(value);
      if (values.length > length) values.shift();
      const top = most() || 1,
        width = Math.max(FEW, values.length) - 1,
        from = width + 1 - values.length;
      root.setAttribute("viewBox", `0 0 ${width} 100`);
      const points = values.map((one, n) => `${from + n},${(98 - (one / top) * 94).toFixed(1)}`);
      line.setAttribute("points", points.join(" "));
      area.setAttribute("points", `${from},100 ${points.join(" ")} ${width},100`);
    },
  };
}
