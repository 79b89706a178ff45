import type { NextConfig } from 'next';

const config: NextConfig = {
  // No picture here needs resizing, so package.json leaves the library for that out. Take both out to have next/image do it.
  images: { unoptimized: true },
  // `next dev` answers the page's own host only; with Roomcast in front the page is on that one's port.
  allowedDevOrigins: ['127.0.0.1', 'localhost'],
  // This directory is a whole application, whatever lock files are above it.
  turbopack: { root: import.meta.dirname },
};

export default config;
