import { StrictMode, type ReactNode } from "react";
import { RoomcastProvider } from "../../src/react/index.ts";

/** Returns a wrapper with a provider, in StrictMode. */
export const within = (url: string, userId = "ann") => ({ children }: { children: ReactNode }) => (
  <StrictMode>
    <RoomcastProvider url={url} userId={userId}>{children}</RoomcastProvider>
  </StrictMode>
);
