import type { NextConfig } from 'next';

const config: NextConfig = {
  // The example resizes no images, so package.json leaves out the library for it. Remove both lines to
  // use the optimizer of next/image.
  images: { unoptimized: true },
  // Without this, Next.js takes a directory with another lock file above this one as the root.
  turbopack: { root: import.meta.dirname },
};

export default config;
