// The Python of this machine.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

export const run = promisify(execFile);

/** Resolves with the name of a Python that has these modules, or undefined. */
export async function pythonWith(...modules) {
  // Another Python can hide that of the system, which has Debian's packages.
  for (const python of ["python3", "/usr/bin/python3"]) {
    const found = await run(python, ["-c", `import ${modules.join(", ")}`]).catch(() => {});
    if (found) return python;
  }
}
