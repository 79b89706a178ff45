import type { NextConfig } from 'next';

const config: NextConfig = {
  // No picture here needs resizing, so package.json leaves the library for that out. Take both out to have next/image do it.
  images: { unoptimized: true },
  // This directory is a whole application, whatever lock files are above it.
  turbopack: { root: import.meta.dirname },
};

export default config;
